// npm run test:passkeys: runs the functions of docs/use/passkeys.md in a browser with a virtual authenticator: adds a passkey, logs in
// with it, without a password and as second factor, steps up and removes it. CHROMIUM_PATH is the browser's path.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { withBrowser } from "./browser.ts";
import { withDevServer } from "./server.ts";

const GUIDE = new URL("../../docs/use/passkeys.md", import.meta.url);
const ACCOUNT = { username: "grace", email: "grace@example.com", password: "SecurePass123!" };

/** How to run a function of the guide in the browser, and how to call the API. */
interface Client {
  run: (name: string, ...args: string[]) => Promise<any>;
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
      const client = { run: await openGuide(browser, url), call: createCall(url) };
      const { run } = client;
      const token = await register(client);
      const added = await run("addPasskey", "Chromium", token);
      assert.equal(added.factor.type, "passkey");
      assert.equal(added.recovery_codes.length, 10, "recovery codes");
      const twice = run("addPasskey", "Chromium", token);
      await assert.rejects(twice, /InvalidStateError/, "the same authenticator");
      await logInAlone(client);
      const second = await logInWithPassword(client);
      assert.equal((await run("stepUp", second)).acr, "aal2");
      await remove(client, second, added.factor.id);
      console.log("Passkeys work in Chromium: added, logged in with, stepped up with, removed.");
    }),
  { RATE_LIMIT_AUTH: "0" },
);

/** Opens a page on the service's own origin, with a virtual authenticator that verifies its user and the functions of the guide. */
async function openGuide(browser: Browser, url: string): Promise<Client["run"]> {
  const page = await browser.newPage();
  await page.goto(`${url}/docs`);
  await addAuthenticator(page);
  const functions = readGuide();
  const names = [...functions.matchAll(/^async function (\w+)/gm)].map(([, name]) => name);
  await page.evaluate(
    `{ const ROSTER = ${JSON.stringify(url)};\n${functions}\nglobalThis.guide = { ${names.join()} }; }`,
  );
  return (name, ...args) => page.evaluate(`guide.${name}(...${JSON.stringify(args)})`);
}

/** The code that the guide shows. */
function readGuide(): string {
  const blocks = readFileSync(GUIDE, "utf8").matchAll(/```js\n([\s\S]*?)```/g);
  return [...blocks].map(([, code]) => code).join("\n");
}

async function addAuthenticator(page: Page): Promise<void> {
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

async function register({ call }: Client): Promise<string> {
  await call("/v1/auth/register", { body: ACCOUNT, status: 201 });
  const { username, password } = ACCOUNT;
  return (await call("/v1/auth/login", { body: { username, password } })).access_token;
}

async function logInAlone({ run, call }: Client): Promise<void> {
  const { access_token } = await run("logIn");
  const me = await call("/v1/auth/me", { method: "GET", token: access_token });
  assert.equal(me.user.username, ACCOUNT.username, "who logged in without a password");
}

async function logInWithPassword({ run, call }: Client): Promise<string> {
  const { username, password } = ACCOUNT;
  const half = await call("/v1/auth/login", { body: { username, password }, status: 401 });
  assert.deepEqual(half.methods, ["passkey", "recovery_code"]);
  return (await run("completeLogin", half.mfa_token)).access_token;
}

async function remove({ run, call }: Client, token: string, id: string): Promise<void> {
  await call(`/v1/auth/factors/${id}`, { method: "DELETE", token, status: 204 });
  await assert.rejects(run("logIn"), /passkey is wrong/, "a passkey that was removed");
  const { username, password } = ACCOUNT;
  await call("/v1/auth/login", { body: { username, password } });
}
