import type { MiddlewareHandler } from "hono";
import type { Actor } from "../context.ts";
import { AppError } from "../errors.ts";
import { parseId } from "../lib/ids.ts";
import type { Permission } from "../lib/permissions.ts";
import type { AppEnv } from "./app-env.ts";

/**
 * Who may call an operation: everyone, everyone who is logged in (on what is theirs), holders of a permission,
 * or holders of a permission and the user whom `{id}` names.
 */
export type Access =
  | { kind: "public" }
  | { kind: "own" }
  | { kind: "permission"; permission: Permission }
  | { kind: "own-or-permission"; permission: Permission };

export const everyone: Access = { kind: "public" };
export const own: Access = { kind: "own" };
export const permission = (name: Permission): Access => ({ kind: "permission", permission: name });
export const ownOr = (name: Permission): Access => ({
  kind: "own-or-permission",
  permission: name,
});

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
      return `own or ${access.permission}`;
  }
}

/**
 * Lets a request through to validation and handler only if the access rule allows it. Reads of what is one's own may
 * rest on KV; everything else is decided by D1. `me` in `{id}` is the caller; the id that was meant is put in `userId`.
 */
export function guard(access: Access): MiddlewareHandler<AppEnv> {
  return async function guardAccess(c, next) {
    if (access.kind === "public") return next();
    const id = c.req.param("id");
    const isRead = c.req.method === "GET" || c.req.method === "HEAD";
    const isOwn = (userId: string) =>
      access.kind === "own" ||
      (access.kind === "own-or-permission" && (id === "me" || parseId(id ?? "") === userId));
    const actor = await c.var.authenticate((userId) =>
      isRead && isOwn(userId) ? "recent" : "exact",
    );
    if (actor.type !== "user") throw new AppError("unauthenticated");
    if (!isOwn(actor.userId)) requirePermission(actor, access);
    c.set("ctx", { ...c.var.ctx, actor });
    c.set("userId", actor.userId);
    return next();
  };
}

function requirePermission(actor: Actor & { type: "user" }, access: Access): void {
  if (access.kind !== "permission" && access.kind !== "own-or-permission") return;
  if (actor.permissions.includes(access.permission)) return;
  throw new AppError("forbidden", { detail: `This needs the permission ${access.permission}.` });
}
