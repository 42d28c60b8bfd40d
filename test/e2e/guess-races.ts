// Races of logins, and of second factors.
import assert from "node:assert/strict";
import { type Client, tally, times } from "./client.ts";
import { codeOf } from "./totp.ts";

export async function guessTogether(client: Client): Promise<string> {
  const { username, password } = await client.newUser();
  const guess = (text: string) => client.post("/v1/auth/login", { username, password: text });
  const answers = await Promise.all(times(40, (i) => guess(`wrong password ${i}`)));
  assert.equal(tally(answers), "10 × 401, 30 × 429");
  const right = await guess(password);
  assert.equal(right.status, 429, `the right password returned ${right.status}`);
  return "10 × 401, 30 × 429, then 429 for the right password";
}

/** A user with an authenticator app, and the `mfa_token` of a login. */
async function beginTwoFactorLogin(client: Client) {
  const { username, password, token } = await client.newUser();
  const { body: app } = await client.post("/v1/auth/factors/totp", {}, token);
  const { id, secret = "" } = app;
  const confirmation = { id, code: codeOf(secret, -1) };
  const added = await client.post("/v1/auth/factors/totp/confirm", confirmation, token);
  assert.equal(added.status, 200, `the confirmation returned ${added.status}`);
  const codes = added.body.recovery_codes as unknown as string[];
  const { body } = await client.post("/v1/auth/login", { username, password });
  return { secret, codes, token, mfaToken: body.mfa_token };
}

export async function verifyFactorTogether(
  client: Client,
  factorOf: (user: { secret: string; codes: string[] }) => object,
): Promise<string> {
  const user = await beginTwoFactorLogin(client);
  const body = { mfa_token: user.mfaToken, ...factorOf(user) };
  const answers = await Promise.all(times(20, () => client.post("/v1/auth/mfa/verify", body)));
  const successes = answers.filter(({ status }) => status === 200);
  assert.equal(successes.length, 1, tally(answers));
  const { body: sessions } = await client.get("/v1/auth/sessions", user.token);
  assert.equal(sessions.data?.length, 2, "the session of before, and one more");
  return tally(answers);
}

export async function guessFactorTogether(client: Client): Promise<string> {
  const { mfaToken, secret } = await beginTwoFactorLogin(client);
  const send = (code: string) =>
    client.post("/v1/auth/mfa/verify", { mfa_token: mfaToken, method: "totp", code });
  const answers = await Promise.all(times(20, (i) => send(`wrong ${i}`)));
  assert.equal(tally(answers), "5 × 401, 15 × 429");
  const right = await send(codeOf(secret));
  assert.equal(right.status, 429, `the right code returned ${right.status}`);
  return "5 × 401, 15 × 429, then 429 for the right code";
}
