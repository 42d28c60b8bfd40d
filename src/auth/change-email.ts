import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { authorize } from "../db/authority.ts";
import type { UserPrincipal } from "../lib/principal.ts";
import { deleteLoginAttempts } from "../users/login-attempts.ts";
import type { ChangeEmail } from "../verification/schema.ts";
import { beginEmailChange } from "../verification/service.ts";
import { checkPassword } from "./attempt.ts";
import { isLoginStillValid } from "./repository.ts";

/** Begins a change of one's own email after checking the password. Throws `invalid_credentials`, `too_many_attempts`, `email_taken`. */
export async function changeEmail(
  ctx: Context,
  principal: UserPrincipal,
  input: ChangeEmail,
): Promise<void> {
  const identifier = { kind: "id", key: principal.userId } as const;
  const { user, attemptKey } = await checkPassword(ctx, identifier, input.current_password);
  await deleteLoginAttempts(ctx.db, attemptKey, sql`true`);
  const may = authorize(principal, { permissions: [], roles: [], now: ctx.now() });
  // The password that was checked may have been changed since, and with it whom this request speaks for.
  const isStillValid = isLoginStillValid(user.id, user.passwordVersion);
  const isLive = sql`(${may.isLive} AND ${isStillValid})`;
  await beginEmailChange(ctx, principal, input.email, { ...may, isLive });
}
