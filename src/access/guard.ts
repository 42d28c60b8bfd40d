import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { AppError } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { parseId } from "../lib/ids.ts";
import type { Permission } from "./permissions.ts";
import type { Principal } from "./principal.ts";
import { currentPrincipal } from "./target.ts";

/**
 * Who may call an operation: everyone; everyone who is logged in, on what is theirs; holders of a permission;
 * or holders of a permission and the user whom `{id}` names. API keys have nothing of their own: they need the permission,
 * and where `personal` is set they are refused altogether.
 */
export type Access = { kind: "public" } | Restricted;

interface Options {
  personal?: true;
  /** Never rests on KV. */
  exact?: true;
}

export type Restricted = Options &
  (
    | { kind: "own" }
    | { kind: "permission"; permission: Permission }
    | { kind: "own-or-permission"; permission: Permission }
    | { kind: "owner-or-permission"; permission: Permission }
  );

export const everyone: Access = { kind: "public" };
export const own: Restricted = { kind: "own", personal: true };
export const permission = (name: Permission): Restricted => ({
  kind: "permission",
  permission: name,
});
export const ownOr = (name: Permission): Restricted => ({
  kind: "own-or-permission",
  permission: name,
});
/** Where `{id}` is not the user's own: the service finds out whose the resource is, and refuses before it says whether there is one. */
export const ownerOr = (name: Permission): Restricted => ({
  kind: "owner-or-permission",
  permission: name,
});
/** The same rule, decided by D1 for what is one's own, too. */
export const exactly = (access: Restricted): Restricted => ({ ...access, exact: true });
/** The same rule without API keys: for whatever manages credentials. */
export const personal = (access: Restricted): Restricted => ({ ...access, personal: true });

/** The rule in words, as the OpenAPI document's `x-permission` shows it. */
export function describeAccess(access: Access): string {
  switch (access.kind) {
    case "public":
      return "none";
    case "own":
      return "own";
    case "permission":
      return access.permission;
    case "own-or-permission":
    case "owner-or-permission":
      return `own or ${access.permission}`;
  }
}

/**
 * Finds out who is asking, as surely as the rule needs: reads of what is one's own may rest on KV;
 * everything else, reads of others' data among it, is decided by D1. Refuses nobody: that is for `requireAccess`.
 */
export function identify(access: Restricted): MiddlewareHandler<AppEnv> {
  return async function identify(c, next) {
    const isRead = c.req.method === "GET" || c.req.method === "HEAD";
    const mayBeRecent = isRead && !access.exact;
    const principal = await c.var.authenticate({
      user: (userId) => (mayBeRecent && isOwn(access, c, userId) ? "recent" : "exact"),
      apiKey: mayBeRecent && c.req.param("id") === "me" ? "recent" : "exact",
    });
    if (principal) c.set("ctx", { ...c.var.ctx, actor: principal });
    return next();
  };
}

/** Lets a request through to validation and handler only if the rule allows it. */
export function requireAccess(access: Restricted): MiddlewareHandler<AppEnv> {
  return async function requireAccess(c, next) {
    const principal = currentPrincipal(c);
    checkAccess(principal, access, isOwn(access, c, principal.userId));
    return next();
  };
}

function isOwn(access: Restricted, c: HonoContext<AppEnv>, userId: string): boolean {
  if (access.kind !== "own-or-permission") return access.kind === "own";
  const id = c.req.param("id") ?? "";
  return id === "me" || parseId(id) === userId;
}

function checkAccess(principal: Principal, access: Restricted, isOwn: boolean): void {
  if (principal.type === "api_key" && access.personal) {
    throw new AppError("forbidden", { detail: "An API key cannot do this: log in in person." });
  }
  if (principal.type === "user" && isOwn) return;
  if (principal.type === "user" && access.kind === "owner-or-permission") return;
  if (access.kind === "own" || principal.permissions.includes(access.permission)) return;
  throw new AppError("forbidden", { detail: `This needs the permission ${access.permission}.` });
}
