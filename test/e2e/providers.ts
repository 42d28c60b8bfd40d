// npm run test:providers: a person logs in with a real OpenID provider, oidc-provider on loopback, in Chromium, by the two applications of
// docs/use/providers/applications.md. Then they step up, link another account there, and unlink it. CHROMIUM_PATH is the browser's path.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Browser, Page } from "playwright-core";
import { withBrowser } from "./browser.ts";
import { answerProvider, prepareIdentityProvider, serve } from "./identity-provider.ts";
import { findFreePort, ROOT, withDevServer } from "./server.ts";

const HOST = "127.0.0.1";

const guide = await readFile(join(ROOT, "docs/use/providers/applications.md"), "utf8");
const [pageCode = "", programCode = ""] = [...guide.matchAll(/```js\n(.*?)```/gs)].map(
  ([, code]) => code,
);

/** What takes part: Roster, the provider, and an application whose page has the code of the guide. */
interface Scene {
  roster: string;
  issuer: string;
  app: string;
}

const provider = await prepareIdentityProvider();
const { id: PROVIDER, issuer } = provider;
const appPort = await findFreePort();
const app = `http://${HOST}:${appPort}`;

await withDevServer(
  async ({ url: roster }) => {
    const servers = [await provider.start(roster), await serve(createPage(roster), appPort, HOST)];
    try {
      await withBrowser((browser) => tellStory(browser, { roster, issuer, app }));
      console.log(
        "A person logs in with an OpenID provider in Chromium, steps up, links and unlinks.",
      );
    } finally {
      for (const server of servers) server.close();
      for (const server of servers) server.closeAllConnections();
    }
  },
  {
    ...provider.settings,
    LOGIN_REDIRECT_URIS: `http://${HOST}/login/callback,http://${HOST}/login`,
    CORS_ORIGINS: app,
    RATE_LIMIT_AUTH: "0",
  },
);

function createPage(roster: string): RequestListener {
  const script = pageCode.replace('"https://id.example.com"', JSON.stringify(roster));
  const html = `<script type="module">import * as app from "/app.js"; window.app = app;</script>`;
  return ({ url }, response) => {
    const [type, body] = url === "/app.js" ? ["text/javascript", script] : ["text/html", html];
    response.writeHead(200, { "Content-Type": type }).end(body);
  };
}

async function tellStory(browser: Browser, scene: Scene): Promise<void> {
  const { roster } = scene;
  const ada = await openPage(browser, scene);
  const { access_token: token } = await useProvider(ada, scene, { login: "ada" });
  const { user } = await call(roster, "/v1/auth/me", { token });
  assert.deepEqual(
    [user.email, user.email_verified, user.username, user.has_password],
    ["ada@example.com", true, "ada", false],
  );
  await replay(ada, scene);
  await logInByProgram(ada, roster);
  const { acr, auth_time } = await useProvider(ada, scene, {
    login: "ada",
    intent: "step_up",
    token,
  });
  assert.equal(acr, "aal1");
  assert.ok(Math.abs(Date.now() / 1000 - auth_time) < 120, "the time of the authentication");
  const grace = await openPage(browser, scene);
  const linked = await useProvider(grace, scene, { login: "grace", intent: "link", token });
  assert.equal(linked.subject, "grace");
  const identities = await call(roster, "/v1/auth/identities", { token });
  assert.deepEqual(
    identities.data.map(({ subject }: { subject: string }) => subject),
    ["grace", "ada"],
  );
  const again = await useProvider(grace, scene, { login: "grace" });
  assert.equal((await call(roster, "/v1/auth/me", { token: again.access_token })).user.id, user.id);
  await unlink(roster, token, identities.data);
}

/** A page of the application, in a browser that has logged in nowhere. */
async function openPage(browser: Browser, { app }: Scene): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(app);
  return page;
}

/** Goes from the application to the provider, logs in there if it asks, and back. Returns what the exchange answers. */
async function useProvider(
  page: Page,
  scene: Scene,
  { login, intent = "login", token }: { login: string; intent?: string; token?: string },
): Promise<any> {
  await page.goto(scene.app);
  await page.waitForFunction("window.app");
  // A provider at which they are logged in may send them back without asking.
  const asked = page.waitForURL(({ href, pathname }) => {
    return href.startsWith(scene.issuer) || pathname === "/login/callback";
  });
  await page.evaluate(
    `app.begin(${JSON.stringify(PROVIDER)}, ${JSON.stringify(intent)}, ${JSON.stringify(token)})`,
  );
  await asked;
  await answerProvider(page, scene, login);
  await page.waitForFunction("window.app");
  return page.evaluate(`app.finish(${JSON.stringify(token)})`);
}

/** A callback that was used is refused with a problem, and leads nowhere. */
async function replay(page: Page, scene: Scene): Promise<void> {
  const callbacks: string[] = [];
  page.on("request", (request) => {
    if (request.url().startsWith(`${scene.roster}/v1/auth/providers/`))
      callbacks.push(request.url());
  });
  await useProvider(page, scene, { login: "ada" });
  const callback = callbacks.find((url) => url.includes("/callback?"));
  const response = await fetch(callback ?? "", { redirect: "manual" });
  assert.equal(response.status, 400);
  assert.equal(((await response.json()) as { code: string }).code, "invalid_state");
}

/** Runs the program of the guide, and opens the address that it prints in the browser. */
async function logInByProgram(page: Page, roster: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "roster-program-"));
  const file = join(folder, "program.mjs");
  await writeFile(file, programCode);
  const env = { ...process.env, ROSTER: roster, PROVIDER };
  const child = spawn(process.execPath, [file], { env, stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      const address = /^Open (.+)$/.exec(line)?.[1];
      if (address) await page.goto(address);
    }
  } finally {
    child.kill();
    await rm(folder, { recursive: true });
  }
  assert.equal(lines.at(-1), "Logged in as ada@example.com");
}

async function unlink(
  roster: string,
  token: string,
  [newer, older]: { id: string }[],
): Promise<void> {
  const remove = (id = "", status = 204) =>
    call(roster, `/v1/auth/identities/${id}`, { method: "DELETE", token, status });
  await remove(newer?.id);
  assert.equal((await remove(older?.id, 409)).code, "last_login_method");
}

async function call(
  roster: string,
  path: string,
  { method = "GET", token, status = 200 }: { method?: string; token: string; status?: number },
): Promise<any> {
  const response = await fetch(roster + path, {
    method,
    headers: { Authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  assert.equal(response.status, status, `${method} ${path}: ${text}`);
  return text ? JSON.parse(text) : undefined;
}
