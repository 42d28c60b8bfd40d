import type { AuthenticationOptions, RegistrationOptions } from "../../src/lib/webauthn/options.ts";
import { type RequestOptions, send } from "./api.ts";
import { createAuthenticator } from "./authenticator.ts";
import { createTestUser, sqlAll, type TestUser } from "./fixtures.ts";

export type Authenticator = ReturnType<typeof createAuthenticator>;
type Changes = Parameters<Authenticator["authenticate"]>[1];

const FACTORS = "/v1/auth/factors/passkeys";

/** The options for a new passkey. */
export async function registrationOptions(
  token: string | undefined,
  options: RequestOptions = {},
): Promise<RegistrationOptions> {
  const { body, text } = await send(`${FACTORS}/options`, {
    method: "POST",
    ...(token && { token }),
    ...options,
  });
  if (!body.public_key) throw new Error(`no options: ${text}`);
  return body.public_key;
}

/** Sends a new passkey. */
export function sendPasskey(
  token: string,
  credential: unknown,
  { name = "Laptop", ...options }: RequestOptions & { name?: string } = {},
) {
  return send(FACTORS, { token, body: { name, credential }, ...options });
}

/** Adds a passkey to a user. */
export async function addPasskey(
  { token }: Pick<TestUser, "token">,
  authenticator: Authenticator = createAuthenticator(),
  changes: Changes = {},
) {
  const credential = await authenticator.register(await registrationOptions(token), changes);
  const { status, body, text } = await sendPasskey(token, credential);
  if (status !== 201) throw new Error(`no passkey: ${text}`);
  return { authenticator, credential, factor: body.factor, codes: body.recovery_codes };
}

/** A user with a passkey, and the authenticator that has it. */
export async function createPasskeyUser(
  role = "user",
  authenticator: Authenticator = createAuthenticator(),
) {
  const user = await createTestUser(role);
  return { ...user, ...(await addPasskey(user, authenticator)) };
}

/** The options for a login. */
export async function loginOptions(options: RequestOptions = {}): Promise<AuthenticationOptions> {
  const { body, text } = await send("/v1/auth/passkey/options", { method: "POST", ...options });
  if (!body.public_key) throw new Error(`no options: ${text}`);
  return body.public_key;
}

/** Sends an assertion to log in with. */
export function sendAssertion(credential: unknown, options: RequestOptions = {}) {
  return send("/v1/auth/passkey/login", { body: { credential }, ...options });
}

/** Logs in with a passkey. */
export async function passkeyLogin(authenticator: Authenticator, changes: Changes = {}) {
  return sendAssertion(await authenticator.authenticate(await loginOptions(), changes));
}

/** An assertion for a half-finished login. */
export async function assertMfa(
  authenticator: Authenticator,
  mfa_token: string,
  changes?: Changes,
) {
  const { body, text } = await send("/v1/auth/mfa/challenge", {
    body: { mfa_token, method: "passkey" },
  });
  if (!body.public_key) throw new Error(`no challenge: ${text}`);
  return authenticator.authenticate(body.public_key, changes);
}

/** An assertion for a step-up. */
export async function assertStepUp(authenticator: Authenticator, token: string, changes?: Changes) {
  const { body, text } = await send("/v1/auth/step-up/challenge", {
    token,
    body: { method: "passkey" },
  });
  if (!body.public_key) throw new Error(`no challenge: ${text}`);
  return authenticator.authenticate(body.public_key, changes);
}

/** The sessions of a user, ended ones included. */
export const sessionsOf = (userId: string) =>
  sqlAll<{ id: string }>("SELECT id FROM sessions WHERE user_id = ?", userId);
