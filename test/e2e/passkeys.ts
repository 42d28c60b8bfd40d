// npm run test:passkeys: registers a passkey in a browser with a virtual authenticator, logs in with it, without a password and as second
// factor, steps up and removes it. CHROMIUM_PATH is the browser's path.
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { withBrowser } from "./browser.ts";
import { withDevServer } from "./server.ts";

const ACCOUNT = { username: "grace", email: "grace@example.com", password: "SecurePass123!" };

/** A page of the service and its authenticator, and how to call the API. */
interface Client {
  page: Page;
  call: (path: string, request?: CallOptions) => Promise<any>;
}

interface CallOptions {
  method?: string;
  body?: object;
  token?: string;
  status?: number;
}

await withDevServer(
  ({ url }) =>
    withBrowser(async (browser) => {
      const client = { page: await openPage(browser, url), call: createCall(url) };
      const token = await register(client);
      const added = await addPasskey(client, token);
      assert.equal(added.factor.type, "passkey");
      assert.equal(added.recovery_codes.length, 10, "recovery codes");
      await assert.rejects(
        addPasskey(client, token),
        /InvalidStateError/,
        "the same authenticator",
      );
      await logInAlone(client);
      const second = await logInWithPassword(client);
      await stepUp(client, second);
      await remove(client, second, added.factor.id);
      console.log("Passkeys work in Chromium: added, logged in with, stepped up with, removed.");
    }),
  { RATE_LIMIT_AUTH: "0" },
);

/** Opens a page on the service's own origin, with a virtual authenticator that verifies its user. */
async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`${url}/docs`);
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return page;
}

function createCall(url: string): Client["call"] {
  return async (path, { method = "POST", body, token, status = 200 } = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(body && { "Content-Type": "application/json" }),
        ...(token && { Authorization: `Bearer ${token}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.equal(response.status, status, `${method} ${path}: ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
}

/** What the browser returns for options of the API: `create` or `get`. */
function ceremony(page: Page, kind: "create" | "get", options: object): Promise<object> {
  const parse = kind === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
  return page.evaluate(`(async () => {
    const publicKey = PublicKeyCredential.${parse}(${JSON.stringify(options)});
    return (await navigator.credentials.${kind}({ publicKey })).toJSON();
  })()`);
}

async function register({ call }: Client): Promise<string> {
  await call("/v1/auth/register", { body: ACCOUNT, status: 201 });
  const { username, password } = ACCOUNT;
  return (await call("/v1/auth/login", { body: { username, password } })).access_token;
}

async function addPasskey({ page, call }: Client, token: string) {
  const { public_key } = await call("/v1/auth/factors/passkeys/options", { token });
  const credential = await ceremony(page, "create", public_key);
  const body = { name: "Chromium", credential };
  return call("/v1/auth/factors/passkeys", { token, body, status: 201 });
}

async function logInAlone({ page, call }: Client): Promise<void> {
  const { public_key } = await call("/v1/auth/passkey/options");
  const credential = await ceremony(page, "get", public_key);
  const { access_token } = await call("/v1/auth/passkey/login", { body: { credential } });
  const me = await call("/v1/auth/me", { method: "GET", token: access_token });
  assert.equal(me.user.username, ACCOUNT.username, "who logged in without a password");
  await call("/v1/auth/passkey/login", { body: { credential }, status: 401 });
}

async function logInWithPassword({ page, call }: Client): Promise<string> {
  const { username, password } = ACCOUNT;
  const half = await call("/v1/auth/login", { body: { username, password }, status: 401 });
  assert.deepEqual(half.methods, ["passkey", "recovery_code"]);
  const begun = { mfa_token: half.mfa_token, method: "passkey" };
  const { public_key } = await call("/v1/auth/mfa/challenge", { body: begun });
  const credential = await ceremony(page, "get", public_key);
  const body = { ...begun, credential };
  return (await call("/v1/auth/mfa/verify", { body })).access_token;
}

async function stepUp({ page, call }: Client, token: string): Promise<void> {
  const method = "passkey";
  const { public_key } = await call("/v1/auth/step-up/challenge", { token, body: { method } });
  const credential = await ceremony(page, "get", public_key);
  const { acr } = await call("/v1/auth/step-up", { token, body: { method, credential } });
  assert.equal(acr, "aal2");
}

async function remove({ page, call }: Client, token: string, id: string): Promise<void> {
  await call(`/v1/auth/factors/${id}`, { method: "DELETE", token, status: 204 });
  const { public_key } = await call("/v1/auth/passkey/options");
  const credential = await ceremony(page, "get", public_key);
  await call("/v1/auth/passkey/login", { body: { credential }, status: 401 });
  const { username, password } = ACCOUNT;
  await call("/v1/auth/login", { body: { username, password } });
}
