import { type SQL, sql } from "drizzle-orm";
import type { Acting } from "../../access/read.ts";
import { requireCovers } from "../../access/require.ts";
import { AppError } from "../../errors.ts";

/**
 * Throws `privilege_escalation` unless the caller may create an account with a role that grants these permissions. An account
 * outlives the API key that created it, so keys create only accounts without any permission.
 */
export function requireCreatable({ actor }: Acting, permissions: readonly string[]): void {
  if (actor.type === "api_key" && permissions.length > 0) {
    throw new AppError("privilege_escalation", {
      detail:
        "An API key can only create accounts whose role grants no permission. Log in and send an access token.",
    });
  }
  requireCovers(actor, permissions);
}

/** True while the caller may create an account with this role, as far as it depends on the kind of caller. */
export function whereCreatable({ actor }: Acting, role: string | SQL): SQL {
  if (actor.type === "user") return sql`true`;
  return sql`EXISTS (SELECT 1 FROM roles AS plain WHERE plain.name = ${role} AND json_array_length(plain.permissions) = 0)`;
}

/** Throws `forbidden` for an API key: a role that it gave someone would outlive it. */
export function requireMayAssignRoles({ actor }: Pick<Acting, "actor">): void {
  if (actor.type === "api_key") {
    throw new AppError("forbidden", {
      detail: "API keys cannot assign roles: log in and send an access token.",
    });
  }
}
