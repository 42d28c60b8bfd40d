import { sql } from "drizzle-orm";
import { authorize } from "../../access/conditions.ts";
import type { UserPrincipal } from "../../access/principal.ts";
import type { Context } from "../../context.ts";
import { deleteLoginAttempts } from "../attempts/repository.ts";
import { isLoginStillValid } from "../login/repository.ts";
import { checkPassword } from "../passwords/check.ts";
import type { ChangeEmail } from "./schema.ts";
import { beginEmailChange } from "./verify.ts";

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
