import { AppError } from "../errors.ts";
import type { Permission } from "./permissions.ts";
import type { Principal, UserPrincipal } from "./principal.ts";
import type { Acting } from "./read.ts";
import type { AccessRequest } from "./rule.ts";
import { isSelf, mayActOnOwner } from "./self.ts";
import { requireRecent } from "./step-up.ts";

/** Throws `forbidden` unless the operation's rule admits the principal, who holds what the query parameters need. */
export function requireRule(principal: Principal, access: AccessRequest): void {
  requireOperation(principal, access);
  requirePermissions(principal, access.queryNeeds);
}

function requireOperation(principal: Principal, { rule, pathId }: AccessRequest): void {
  if (principal.type === "api_key" && rule.personal) throw keysRefused();
  if (rule.kind === "own") return;
  if (rule.kind === "by-action") {
    requireOneOf(principal, rule.permissions);
    return;
  }
  const isOwn =
    rule.kind === "owner-or-permission" ||
    (rule.kind === "own-or-permission" && (pathId === "me" || pathId === principal.userId));
  if (isOwn && mayActOnOwner(principal, rule)) return;
  requirePermissions(principal, [rule.permission, ...(("also" in rule && rule.also) || [])]);
}

function requireOneOf(principal: Principal, permissions: readonly Permission[]): void {
  if (permissions.some((permission) => principal.permissions.includes(permission))) return;
  requirePermissions(principal, permissions.slice(0, 1));
}

/**
 * Throws `forbidden` unless the resource is the actor's own or they hold the operation's permission, and then
 * `insufficient_user_authentication` if the operation always needs a recent authentication.
 */
export function requireOwner(acting: Acting, ownerId: string | undefined): void {
  const { actor, access } = acting;
  const isOwner = ownerId !== undefined && isSelf(acting, ownerId);
  if (!isOwner && "permission" in access.rule) {
    requirePermissions(actor, [access.rule.permission]);
  }
  if (access.rule.stepUp === true) requireRecent(acting, access, actor);
}

/** Throws `forbidden` unless the principal holds each permission. */
export function requirePermissions(principal: Principal, needed: readonly Permission[]): void {
  const missing = needed.find((permission) => !principal.permissions.includes(permission));
  if (missing === undefined) return;
  throw new AppError("forbidden", { detail: `This needs the permission ${missing}.` });
}

/**
 * Throws `privilege_escalation` unless the holder has every one of the permissions. A caller cannot manage an account with
 * permissions that they do not hold, or grant permissions that they do not hold.
 */
export function requireCovers(
  holder: Pick<Principal, "permissions">,
  permissions: readonly string[],
): void {
  if (permissions.every((permission) => holder.permissions.includes(permission))) return;
  throw new AppError("privilege_escalation");
}

/** Throws `privilege_escalation` unless the actor is the user, or holds every permission that the user holds. */
export function requireManageable(
  acting: Acting,
  user: { id: string; permissions: readonly string[] },
): void {
  if (!isSelf(acting, user.id)) requireCovers(acting.actor, user.permissions);
}

/** The logged-in user who calls an operation that refuses API keys. */
export function requirePerson({ actor }: Acting): UserPrincipal {
  if (actor.type !== "user") throw keysRefused();
  return actor;
}

/** A `forbidden` error for an API key in an operation that only logged-in users may call. */
export function keysRefused(): AppError {
  return new AppError("forbidden", {
    detail: "API keys cannot call this operation: log in and send an access token.",
  });
}
