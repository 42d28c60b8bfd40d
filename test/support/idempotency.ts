import type { Answer, RequestOptions } from "./api.ts";
import { send } from "./api.ts";
import { createAuthenticator } from "./authenticator.ts";
import { createTestKey } from "./credentials.ts";
import { addTotp } from "./factors.ts";
import { createTestUser, newAccount, sqlAll, sqlRun, type TestUser } from "./fixtures.ts";
import { registrationOptions } from "./passkeys.ts";

/** A request that creates something, and how many there are of what it creates. */
export interface Creation {
  path: string;
  options: RequestOptions & { body?: Record<string, unknown> };
  /** A body that is valid, too, but not the same. */
  otherBody: Record<string, unknown>;
  count(): Promise<number>;
}

let number = 0;

async function countOf(query: string, ...values: unknown[]): Promise<number> {
  const [row] = await sqlAll<{ n: number }>(`SELECT count(*) AS n FROM ${query}`, ...values);
  return row?.n ?? -1;
}

function ofAccount(path: string, token?: string): Creation {
  const body = newAccount();
  return {
    path,
    options: { body, ...(token && { token }) },
    otherBody: { ...body, first_name: "Other" },
    count: () => countOf("users WHERE username = ?", body.username),
  };
}

function ofName(path: string, table: string, token: string, fields: object): Creation {
  number += 1;
  const name = path.includes("permissions") ? `tests:once${number}` : `once${number}`;
  const body = { name, ...fields };
  return {
    path,
    options: { token, body },
    otherBody: { ...body, description: "Other." },
    count: () => countOf(`${table} WHERE name = ?`, name),
  };
}

// Without `mfa_enabled`, so that tests can log in again with the password alone.
async function provideApp(user: TestUser): Promise<void> {
  const [app] = await sqlAll(
    "SELECT id FROM factors WHERE user_id = ? AND confirmed_at > 0",
    user.id,
  );
  if (!app) await addTotp(user);
  await sqlRun("UPDATE users SET mfa_enabled = 0 WHERE id = ?", user.id);
}

/** Every operation that takes an `Idempotency-Key`, by its name in the document, with a new request of an administrator. */
export const CREATIONS: Readonly<Record<string, (admin: TestUser) => Promise<Creation>>> = {
  "POST /v1/auth/register": async () => ofAccount("/v1/auth/register"),
  "POST /v1/users": async ({ token }) => ofAccount("/v1/users", token),
  "POST /v1/roles": async ({ token }) =>
    ofName("/v1/roles", "roles", token, { permissions: ["users:read"] }),
  "POST /v1/permissions": async ({ token }) =>
    ofName("/v1/permissions", "custom_permissions", token, {}),
  "POST /v1/api-keys": async ({ id, token }) => {
    number += 1;
    const body = { name: `once${number}`, scopes: ["users:read"] };
    return {
      path: "/v1/api-keys",
      options: { token, body },
      otherBody: { ...body, scopes: [] },
      count: () => countOf("api_keys WHERE user_id = ? AND name = ?", id, body.name),
    };
  },
  "POST /v1/api-keys/{id}/rotate": async (admin) => {
    const { id } = await createTestKey(admin, ["users:read"]);
    return {
      path: `/v1/api-keys/${id}/rotate`,
      options: { token: admin.token, method: "POST" },
      otherBody: { other: true },
      count: () => countOf("audit_events WHERE target_id = ? AND action = 'api_key.rotated'", id),
    };
  },
  "POST /v1/auth/factors/totp": async ({ id, token }) => {
    const [pending] = await sqlAll<{ id: string }>("SELECT id FROM factors WHERE user_id = ?", id);
    return {
      path: "/v1/auth/factors/totp",
      options: { token, body: { name: "Phone" } },
      otherBody: { name: "Tablet" },
      count: () => countOf("factors WHERE user_id = ? AND id <> ?", id, pending?.id ?? ""),
    };
  },
  "POST /v1/auth/factors/passkeys": async (admin) => {
    const { id, token } = admin;
    // So that no passkey is the first factor, which comes with recovery codes.
    await provideApp(admin);
    await sqlRun("UPDATE users SET mfa_enabled = 1 WHERE id = ?", id);
    const credential = await createAuthenticator().register(await registrationOptions(token));
    return {
      path: "/v1/auth/factors/passkeys",
      options: { token, body: { name: "Laptop", credential } },
      otherBody: { name: "Phone", credential },
      count: () => countOf("factors WHERE user_id = ? AND credential_id = ?", id, credential.id),
    };
  },
  "POST /v1/auth/recovery-codes": async (admin) => {
    await provideApp(admin);
    const generated = "audit_events WHERE target_id = ? AND action = 'recovery_codes.generated'";
    const before = await countOf(generated, admin.id);
    return {
      path: "/v1/auth/recovery-codes",
      options: { token: admin.token, method: "POST" },
      otherBody: { other: true },
      count: async () => (await countOf(generated, admin.id)) - before,
    };
  },
};

export const CREATION_NAMES = Object.keys(CREATIONS);

/** Whether an operation changes nothing but what its caller owns, and needs no permission. */
export function isForOneself(name: string): boolean {
  return name.startsWith("POST /v1/auth/");
}

/** A new request of an operation, sent by an administrator if it needs one. */
export async function newCreation(name: string, admin?: TestUser): Promise<Creation> {
  const create = CREATIONS[name];
  if (!create) throw new Error(`no request for ${name}`);
  return create(admin ?? (await createTestUser("admin")));
}

/** Request options with an `Idempotency-Key`. */
export function keyed<O extends RequestOptions>(key: string, options: O): O {
  return { ...options, headers: { ...options.headers, "Idempotency-Key": key } };
}

/** Sends a creation with an `Idempotency-Key`. */
export function sendKeyed<T = any>(
  key: string,
  { path, options }: Pick<Creation, "path" | "options">,
  more: RequestOptions = {},
): Promise<Answer<T>> {
  return send<T>(path, keyed(key, { ...options, ...more }));
}

/** True if a response is the first one again. */
export function isReplayed({ headers }: Answer<unknown>): boolean {
  return headers.get("Idempotency-Replayed") === "true";
}

const REPEATED = ["Content-Type", "Cache-Control", "ETag", "Location", "Vary"];

/** What a repetition gives again. */
export function contentOf({ status, headers, text }: Answer<unknown>) {
  return { status, text, headers: REPEATED.map((name) => [name, headers.get(name)]) };
}

/** The number of stored answers. */
export function countAnswers(): Promise<number> {
  return countOf("idempotency_keys");
}
