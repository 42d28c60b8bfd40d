import { send } from "./api.ts";
import { createTestUser, newAccount, PASSWORD, sqlRun, type TestUser } from "./fixtures.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const STEP_MS = 30_000;

/** The code that an authenticator app with this base32 secret shows, `steps` of 30 seconds from now. */
export async function codeOf(secret: string, steps = 0): Promise<string> {
  const bits = [...secret].map((c) => ALPHABET.indexOf(c).toString(2).padStart(5, "0")).join("");
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
  const algorithm = { name: "HMAC", hash: "SHA-1" };
  const key = await crypto.subtle.importKey("raw", new Uint8Array(bytes), algorithm, false, [
    "sign",
  ]);
  const counter = new DataView(new ArrayBuffer(8));
  counter.setUint32(4, Math.floor(Date.now() / STEP_MS) + steps);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, counter));
  const at = (mac[19] ?? 0) & 15;
  const number = new DataView(mac.buffer).getUint32(at) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/** A code that no step around now has. */
export async function wrongCodeOf(secret: string): Promise<string> {
  const near = await Promise.all([-2, -1, 0, 1, 2].map((steps) => codeOf(secret, steps)));
  const free = ["000000", "111111", "222222", "333333", "444444", "555555"];
  return free.find((code) => !near.includes(code)) ?? "";
}

type Options = Parameters<typeof send>[1];

/** A user with an authenticator app. `codes` are the recovery codes. */
export interface TotpUser extends TestUser {
  factorId: string;
  secret: string;
  codes: string[];
}

/**
 * Adds an authenticator app to a user. Confirms it with the code of the previous step, so that those of the current one and the next can
 * be used.
 */
export async function addTotp(user: TestUser, options: Options = {}): Promise<TotpUser> {
  const { token } = user;
  const added = await send("/v1/auth/factors/totp", { token, body: {}, ...options });
  if (added.status !== 201) throw new Error(`no app: ${added.text}`);
  const { id, secret } = added.body;
  const confirmed = await confirmTotp(token, id, await codeOf(secret, -1), options);
  if (confirmed.status !== 200) throw new Error(`not confirmed: ${confirmed.text}`);
  return { ...user, factorId: id, secret, codes: confirmed.body.recovery_codes };
}

export function confirmTotp(token: string, id: string, code: string, options: Options = {}) {
  return send("/v1/auth/factors/totp/confirm", { token, body: { id, code }, ...options });
}

/** Creates a user with an authenticator app. */
export async function createTotpUser(role = "user"): Promise<TotpUser> {
  return addTotp(await createTestUser(role));
}

/** Sends a password. */
export function sendPassword(username: string, options: Options = {}) {
  return send("/v1/auth/login", { body: { username, password: PASSWORD }, ...options });
}

/** Logs in with a password, and returns the `mfa_token`. */
export async function halfLogIn({ username }: { username: string }, options: Options = {}) {
  const { body, text } = await sendPassword(username, options);
  if (typeof body.mfa_token !== "string") throw new Error(`no mfa_token: ${text}`);
  return body.mfa_token;
}

export type SentFactor = { method: string; code: string };

export const byTotp = (code: string): SentFactor => ({ method: "totp", code });
export const byRecoveryCode = (code: string): SentFactor => ({ method: "recovery_code", code });

/** Sends a second factor. */
export function verify(mfa_token: string, factor: SentFactor, options: Options = {}) {
  return send("/v1/auth/mfa/verify", { body: { mfa_token, ...factor }, ...options });
}

export function stepUp(token: string, body: Record<string, string>, options: Options = {}) {
  return send("/v1/auth/step-up", { token, body, ...options });
}

/** Creates a user whose role requires a second factor, and who has none. */
export async function createStrictUser() {
  const account = newAccount();
  const { body } = await send("/v1/auth/register", { body: account });
  const role = `strict-${account.username}`;
  await requireFactor({ id: body.id }, role);
  return { id: body.id as string, username: account.username, email: account.email, role };
}

/** Gives a user a role that requires a second factor, without ending their sessions. */
export async function requireFactor({ id }: { id: string }, role = `strict-${id}`) {
  await sqlRun(
    "INSERT INTO roles (name, description, permissions, require_mfa, created_at, updated_at) VALUES (?, '', '[]', 1, 0, 0)",
    role,
  );
  await sqlRun("UPDATE users SET role = ? WHERE id = ?", role, id);
}

let passkeys = 0;

/** Stands for a passkey that was added to a user. Returns its id. */
export async function insertPasskey(userId: string): Promise<string> {
  passkeys += 1;
  const id = `01a2018b-44aa-74f8-a2bf-${String(passkeys).padStart(12, "0")}`;
  await sqlRun(
    `INSERT INTO factors (id, user_id, type, name, created_at, confirmed_at, credential_id, is_backed_up)
     VALUES (?, ?, 'passkey', 'Key', 0, 0, ?, 1)`,
    id,
    userId,
    id,
  );
  await sqlRun("UPDATE users SET mfa_enabled = 1 WHERE id = ?", userId);
  return id;
}

/** Removes a factor of one's own. */
export const removeFactor = (token: string, id: string, options: Options = {}) =>
  send(`/v1/auth/factors/${id}`, { method: "DELETE", token, ...options });

/** How many recovery codes someone has left. */
export const remainingCodes = async (token: string): Promise<number> =>
  (await send("/v1/auth/recovery-codes", { token })).body.remaining;
