// npm run test:docs-page: opens the docs page in a browser, logs in and tries out an operation, and reads the guide. Fails on a console error,
// a violation of a page's content security policy, or a request to another host. CHROMIUM_PATH is the browser's path.
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { withBrowser } from "./browser.ts";
import { type Visit, visit } from "./pages/visit.ts";
import { withDevServer } from "./server.ts";

const TIMEOUT_MS = 120_000;
const OPERATION = "#operations-Authentication-getMe";
const TOKEN_OPERATION = "#operations-Authentication-listOwnSessions";
const KEY_OPERATION = "#operations-Users-getUser";

await withDevServer(async ({ url, admin }) => {
  const token = await logIn(url, admin);
  await withBrowser(async (browser) => {
    for (const width of [1280, 360]) {
      for (const scheme of ["light", "dark"] as const) {
        await visit(browser, url, readGuide, { width, scheme });
      }
    }
    console.log("The guide works, is accessible, and fits wide and narrow screens.");
    const { page, faults } = await openWatchedPage(browser, url);
    await page.goto(`${url}/docs`, { waitUntil: "networkidle" });
    assert.deepEqual(faults, []);
    await authorize(page, token);
    assert.equal(await tryOut(page, OPERATION), "200", "GET /v1/auth/me tried out in the page");
    await authorize(page, await createKey(url, token));
    assert.equal(await tryOut(page, KEY_OPERATION), "200", "the key replaces the access token");
    await authorize(page, token);
    assert.equal(await tryOut(page, TOKEN_OPERATION), "200", "the access token replaces the key");
    await openEverything(page);
    await page.goto(`${url}/docs/errors`, { waitUntil: "networkidle" });
    assert.deepEqual(faults, []);
    console.log("The docs page works: no error, no violation, no request to another host.");
  });
});

/** Reads pages of the guide with all that a page can have, following links as a reader does. */
async function readGuide({ page, checkAccessibility }: Visit): Promise<void> {
  await page.goto("/docs/guide");
  await checkGuidePage(page, checkAccessibility);
  await page.getByRole("link", { name: "Use", exact: true }).first().click();
  await page.getByRole("main").getByRole("link", { name: "Roles and permissions" }).click();
  await page.getByText("On this page").click();
  await page.getByRole("link", { name: "Clean up" }).first().click();
  assert.equal(new URL(page.url()).hash, "#clean-up");
  await checkGuidePage(page, checkAccessibility);
  for (const path of ["run/configuration", "use/pages", "build/architecture", "access"]) {
    await page.goto(`/docs/guide/${path}`);
    await checkGuidePage(page, checkAccessibility);
  }
}

async function checkGuidePage(page: Page, checkAccessibility: () => Promise<void>): Promise<void> {
  await checkAccessibility();
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.equal(overflow, 0, `${page.url()} is wider than the window`);
}

async function logIn(url: string, admin: object): Promise<string> {
  const response = await fetch(`${url}/v1/auth/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(admin),
  });
  assert.equal(response.status, 200, "login");
  const { access_token } = (await response.json()) as { access_token: string };
  return access_token;
}

/** Opens a page that records errors, policy violations and requests to other hosts. */
async function openWatchedPage(browser: Browser, url: string) {
  const faults: string[] = [];
  const page = await browser.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("request", (request) => {
    const target = new URL(request.url());
    const isLocal = target.origin === url || target.protocol === "data:";
    if (!isLocal) faults.push(`request to ${target.origin}`);
  });
  await page.exposeFunction("reportViolation", (text: string) => faults.push(`policy: ${text}`));
  await page.addInitScript(`addEventListener("securitypolicyviolation", (event) =>
    reportViolation(event.violatedDirective + " " + event.blockedURI))`);
  return { page, faults };
}

async function createKey(url: string, token: string): Promise<string> {
  const response = await fetch(`${url}/v1/api-keys`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ name: "Docs page", scopes: ["me:read"] }),
  });
  assert.equal(response.status, 201, "API key");
  return ((await response.json()) as { key: string }).key;
}

/** Enters a credential: an API key if the page has an access token, otherwise an access token. */
async function authorize(page: Page, credential: string): Promise<void> {
  await page.click("button.authorize");
  await page.fill(".modal-ux input", credential);
  await page.click(".modal-ux button.authorize.modal-btn");
  await page.click(".modal-ux button.btn-done");
}

/** Expands the operation, executes it, collapses it and returns the status that the page showed. */
async function tryOut(page: Page, operation: string): Promise<string> {
  await page.click(`${operation} .opblock-summary`);
  await page.click(`${operation} button.execute`);
  const status = page.locator(`${operation} .live-responses-table .response .response-col_status`);
  const shown = (await status.innerText()).trim();
  await page.click(`${operation} .opblock-summary`);
  return shown;
}

/** Expands every operation and collapses it again: the page renders an operation only while it is expanded. */
async function openEverything(page: Page): Promise<void> {
  const operations = await page.locator(".opblock").all();
  assert.ok(operations.length > 50, `${operations.length} operations`);
  for (const operation of operations) {
    const toggle = operation.locator(".opblock-summary-control");
    await toggle.click();
    await operation.locator(".responses-wrapper").waitFor();
    await toggle.click();
  }
}
