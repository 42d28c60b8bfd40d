import { AppError } from "../errors.ts";
import type { Standing } from "./conditions.ts";
import type { Permission } from "./permissions.ts";
import type { Principal } from "./principal.ts";

/** Throws `forbidden` unless the principal holds each permission. */
export function requirePermissions(principal: Principal, needed: readonly Permission[]): void {
  const missing = needed.find((permission) => !principal.permissions.includes(permission));
  if (missing) throw new AppError("forbidden", { detail: `This needs the permission ${missing}.` });
}

/** Throws `privilege_escalation` unless the holder has all that is named: nobody manages an account, or grants a right, above their own. */
export function requireCovers(
  holder: Pick<Principal, "permissions">,
  permissions: readonly string[],
): void {
  if (permissions.every((permission) => holder.permissions.includes(permission))) return;
  throw new AppError("privilege_escalation");
}

/** Throws for what no longer held when the statement that did the work asked again. */
export function requireStanding(standing: Standing | undefined): void {
  if (!standing) return;
  if (!standing.isLive) throw new AppError("unauthenticated");
  if (!standing.holds) throw new AppError("forbidden");
  if (!standing.covers) throw new AppError("privilege_escalation");
}
