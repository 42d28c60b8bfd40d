import { expect } from "vitest";
import { send } from "./api.ts";
import { createTestKey, sendWithKey } from "./credentials.ts";
import { addTotp, codeOf, sendPassword } from "./factors.ts";
import { ALL_REFUSED, auditOf, newEmail, PASSWORD, sqlAll, statusesOf } from "./fixtures.ts";
import { countIdentities, linkIdentity } from "./identities.ts";
import { createMailUser, flowsOf, type Mailbox } from "./mail.ts";
import { addPasskey, passkeyLogin } from "./passkeys.ts";

export type Squatter = Awaited<ReturnType<typeof createSquatter>>;

/** Someone who has registered the address of a stranger and set up everything that lets them in again. */
export async function createSquatter(box: Mailbox) {
  const { bindings } = box;
  const user = await createMailUser(box);
  const theirs = newEmail();
  expect((await flowsOf(box).changeEmail(user.token, theirs)).status).toBe(202);
  const key = await createTestKey(user, ["me:read", "me:write"]);
  const { authenticator } = await addPasskey(user);
  const { secret } = await addTotp({ ...user, ...(await stepUpBy(user.token)) });
  await linkIdentity(user.id);
  const half = await sendPassword(user.username, { bindings });
  const mfa_token: string = half.body.mfa_token;
  expect(typeof mfa_token).toBe("string");
  return { ...user, key, authenticator, secret, mfa_token, changeToken: box.tokenTo(theirs) };

  async function stepUpBy(token: string) {
    const body = { method: "password", password: PASSWORD };
    return { token: (await send("/v1/auth/step-up", { token, body })).body.access_token };
  }
}

/** Fails if anything of the squatter works. `identities` are those that the owner has linked since. */
export async function expectPowerless(
  box: Mailbox,
  squatter: Squatter,
  { identities = 0 } = {},
): Promise<void> {
  const { bindings } = box;
  const { id, username, key, authenticator, secret, mfa_token, changeToken } = squatter;
  expect(await statusesOf(squatter)).toEqual(ALL_REFUSED);
  expect((await sendWithKey(key, "/v1/users/me", { bindings })).status).toBe(401);
  expect((await sendPassword(username, { bindings })).status).toBe(401);
  expect((await passkeyLogin(authenticator)).status).toBe(401);
  const body = { mfa_token, method: "totp", code: await codeOf(secret) };
  expect((await send("/v1/auth/mfa/verify", { body, bindings })).status).toBe(401);
  expect((await flowsOf(box).verify(changeToken)).status).toBe(400);
  expect(await countIdentities(id)).toBe(identities);
  const left = await sqlAll(
    `SELECT mfa_enabled, (SELECT count(*) FROM factors WHERE user_id = users.id) AS factors,
     (SELECT count(*) FROM recovery_codes WHERE user_id = users.id) AS codes FROM users WHERE id = ?`,
    id,
  );
  expect(left).toEqual([{ mfa_enabled: 0, factors: 0, codes: 0 }]);
}

/** What the event of the first proof says. */
export async function proofOf(userId: string): Promise<unknown> {
  const event = (await auditOf(userId)).find(({ action }) => action === "email.verified");
  return (event as unknown as { metadata: unknown } | undefined)?.metadata;
}
