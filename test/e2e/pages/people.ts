// People and the API, for the tests of the browser pages.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Page } from "playwright-core";
import type { IdentityProvider } from "../identity-provider.ts";
import type { Mailbox } from "../mailbox.ts";
import { codeOf } from "../totp.ts";

/** What the worker of the tests has around it. */
export interface Surroundings {
  mailbox: Mailbox;
  provider: IdentityProvider;
}

export const PASSWORD = "SecurePass123!";

/** What the proxy of `wrangler dev` says of a request that it lost (github.com/cloudflare/workers-sdk/issues/14641). */
const LOST = "Error: Network connection lost";

/** Operations that create something. A request that was lost may have been carried out. */
const CREATES = /^\/v1\/(auth\/register|users|roles|permissions|api-keys)$/;

interface CallOptions {
  method?: string;
  body?: object;
  token?: string;
  status?: number;
}

/** Calls the API as curl would. Returns the body. */
export type Call = (path: string, options?: CallOptions) => Promise<any>;

export function createCall(url: string): Call {
  return async (path, { method = "POST", body, token, status = 200 } = {}) => {
    const request = {
      method,
      headers: {
        ...(body && { "Content-Type": "application/json" }),
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(method === "POST" && CREATES.test(path) && { "Idempotency-Key": randomUUID() }),
      },
      ...(body && { body: JSON.stringify(body) }),
    };
    let response = await fetch(url + path, request);
    let text = await response.text();
    if (text.includes(LOST)) {
      response = await fetch(url + path, request);
      text = await response.text();
    }
    assert.equal(response.status, status, `${method} ${path}: ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
}

/** Logs in by the API. Returns the access token. */
export async function logInByApi(
  call: Call,
  username: string,
  password = PASSWORD,
): Promise<string> {
  return (await call("/v1/auth/login", { body: { username, password } })).access_token;
}

/** Registers a person by the API. Returns the user. */
export function register(call: Call, username: string): Promise<any> {
  const body = { username, email: `${username}@example.com`, password: PASSWORD };
  return call("/v1/auth/register", { body, status: 201 });
}

/** Fills in the login form of the page that is open, and waits until it is gone. */
export async function logIn(page: Page, username: string, password = PASSWORD): Promise<void> {
  await page.getByLabel("Username or email").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.getByRole("button", { name: "Log out" }).waitFor();
}

/** Creates a role with these permissions, and a person who has it. Returns the user. `token` is an administrator's. */
export async function createHolder(
  call: Call,
  token: string,
  { username, permissions }: { username: string; permissions: string[] },
): Promise<any> {
  const role = `role-of-${username.replace(".", "-")}`;
  await call("/v1/roles", { body: { name: role, permissions }, token, status: 201 });
  const body = { username, email: `${username}@example.com`, password: PASSWORD, role };
  return call("/v1/users", { body, token, status: 201 });
}

/** Adds an authenticator app by the API. Returns its secret and the recovery codes. */
export async function addTotp(call: Call, token: string) {
  const { id, secret } = await call("/v1/auth/factors/totp", { body: {}, token, status: 201 });
  const body = { id, code: codeOf(secret) };
  const { recovery_codes } = await call("/v1/auth/factors/totp/confirm", { body, token });
  return { secret: secret as string, codes: recovery_codes as string[] };
}
