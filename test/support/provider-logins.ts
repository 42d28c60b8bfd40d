import type { Answer, RequestOptions } from "./api.ts";
import { send } from "./api.ts";
import { newAccount, newEmail } from "./fixtures.ts";
import { notePrivate } from "./leaks.ts";
import { createMailbox, type Mailbox } from "./mail.ts";
import { sendStart } from "./provider-redemption.ts";
import {
  type Deviation,
  type fakeProviders,
  type ProviderId,
  providerSettings,
} from "./providers.ts";

/** The PKCE verifier of `CODE_CHALLENGE` (RFC 7636 appendix B). */
export const CODE_VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

export type Fake = Awaited<ReturnType<typeof fakeProviders>>;

/** An isolate with mail and providers, of which `idp` is trusted with addresses, and without a limit of logins. */
export function createProviderBox(settings: Record<string, string> = {}): Mailbox {
  const trusted = { idp: { trust_email: true }, google: { trust_email: true } };
  return createMailbox({ ...providerSettings(trusted), RATE_LIMIT_AUTH: "0", ...settings });
}

/** Sends what a provider sends to the callback. */
export function sendCallback(id: string, parameters: URLSearchParams, options: RequestOptions) {
  const path = `/v1/auth/providers/${id}/callback`;
  if (options.method !== "POST") return send(`${path}?${parameters}`, options);
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  return send(path, { headers, raw: String(parameters), ...options });
}

/** The parameters that the application gets. */
export function resultOf({ status, headers, text }: Answer<any>): URLSearchParams {
  const location = headers.get("Location");
  if (status !== 303 || !location) throw new Error(`no redirect: ${status} ${text}`);
  const result = new URL(location).searchParams;
  notePrivate(result.get("code") ?? "");
  return result;
}

/** Sends a code to the exchange. */
export function sendExchange(code: string | null, { body, ...options }: RequestOptions = {}) {
  return send("/v1/auth/exchange", {
    body: { code, code_verifier: CODE_VERIFIER, ...(body as object) },
    ...options,
  });
}

interface Login extends Deviation {
  provider?: ProviderId;
  intent?: "login" | "link" | "step_up";
  token?: string;
  state?: string;
}

/** Starts a login and lets the person log in at the provider. Returns what the provider sends to the callback. */
export async function reachCallback(
  { bindings }: Mailbox,
  fake: Fake,
  { provider = "idp", intent = "login", token, state, ...deviation }: Login = {},
): Promise<URLSearchParams> {
  const body = { intent, ...(state !== undefined && { state }) };
  const started = await sendStart(provider, { bindings, body, ...(token && { token }) });
  if (started.status !== 200) throw new Error(`not started: ${started.text}`);
  return fake.logIn(started.body.authorization_url, deviation);
}

/** As `reachCallback`, and follows the redirect. Returns the code that the application gets. */
export async function reachCode(box: Mailbox, fake: Fake, login: Login = {}): Promise<string> {
  const { bindings } = box;
  const provider = login.provider ?? "idp";
  const method = provider === "apple" ? "POST" : "GET";
  const callback = await reachCallback(box, fake, login);
  const code = resultOf(await sendCallback(provider, callback, { bindings, method })).get("code");
  if (!code) throw new Error("no code");
  return code;
}

/** A whole login with a provider. Returns the response of the exchange. */
export async function logInWith(box: Mailbox, fake: Fake, login: Login = {}) {
  const code = await reachCode(box, fake, login);
  const { token } = login;
  return sendExchange(code, { bindings: box.bindings, ...(token && { token }) });
}

/** The claims of a new person at the provider, whom nobody knows here yet. */
export function newPerson(claims: Record<string, unknown> = {}) {
  const { username } = newAccount();
  return { sub: `sub-${username}`, email: newEmail(), email_verified: true, ...claims };
}
