import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import type { DevServer } from "../server.ts";
import { codeOf } from "../totp.ts";
import {
  addTotp,
  type Call,
  createCall,
  logInByApi,
  PASSWORD,
  register,
  type Surroundings,
} from "./people.ts";
import { visit } from "./visit.ts";

const COOKIE = "__Secure-roster_refresh";
const REFRESH = "POST /v1/auth/refresh";

interface Scene {
  browser: Browser;
  url: string;
  call: Call;
  mailbox: Surroundings["mailbox"];
}

/** "Stay signed in": the session goes on after a reload, in every tab, until the person logs out. */
export async function testStaySignedIn(
  browser: Browser,
  { url }: DevServer,
  { mailbox }: Surroundings,
): Promise<void> {
  const scene = { browser, url, call: createCall(url), mailbox };
  for (const name of ["sten", "stina"]) await register(scene.call, name);
  await testTabs(scene);
  await testOtherPerson(scene);
  await testLongWay(scene);
}

async function testTabs({ browser, url }: Scene): Promise<void> {
  await visit(browser, url, async ({ page, calls }) => {
    await page.goto("/account");
    await logInToStay(page, "sten");
    await page.getByRole("button", { name: "Log out" }).waitFor();
    const [cookie] = await page.context().cookies(`${url}/v1/auth/refresh`);
    assert.deepEqual(
      [cookie?.name, cookie?.httpOnly, cookie?.secure, cookie?.sameSite],
      [COOKIE, true, true, "Strict"],
    );
    const before = calls.length;
    await page.reload();
    await page.getByRole("button", { name: "Log out" }).waitFor();
    const resumed = calls.slice(before).filter((call) => call === REFRESH);
    assert.equal(resumed.length, 1, "refreshes of a reload");
    const second = await page.context().newPage();
    await Promise.all([page.reload(), second.goto("/console")]);
    for (const tab of [page, second]) await tab.getByRole("button", { name: "Log out" }).waitFor();
    await second.getByRole("button", { name: "Log out" }).click();
    await second.getByRole("button", { name: "Log in", exact: true }).waitFor();
    assert.deepEqual(await page.context().cookies(`${url}/v1/auth/refresh`), []);
    await page.reload();
    await page.getByRole("button", { name: "Log in", exact: true }).waitFor();
    await second.close();
  });
}

/** Someone else logs in in another tab, so the cookie is theirs. This tab must not act for them. */
async function testOtherPerson({ browser, url }: Scene): Promise<void> {
  await visit(browser, url, async ({ page, calls }) => {
    const other = await page.context().newPage();
    await other.goto("/account");
    await page.clock.install();
    await page.goto("/account");
    await logInToStay(page, "sten");
    await page.getByRole("button", { name: "Log out" }).waitFor();
    await page.goto("/verify-email");
    await page.getByRole("button", { name: "Send a new link" }).waitFor();
    await logInToStay(other, "stina");
    await other.getByRole("button", { name: "Log out" }).waitFor();
    await page.clock.fastForward("16:00");
    const refused = page.waitForResponse((response) => response.url().endsWith("/email/resend"));
    await page.getByRole("button", { name: "Send a new link" }).click();
    assert.equal((await refused).status(), 401);
    await page.getByText("Log in to request a new one.").waitFor();
    assert.ok(calls.includes(REFRESH));
    await other.close();
  });
}

/** By a code in an email and then a second factor. */
async function testLongWay({ browser, url, call, mailbox }: Scene): Promise<void> {
  const email = "sten@example.com";
  const token = await mailbox.waitForToken(email, "verify-email");
  await call("/v1/auth/email/verify", { body: { token } });
  const { secret } = await addTotp(call, await logInByApi(call, "sten"));
  await visit(browser, url, async ({ page }) => {
    await page.goto("/account");
    await page.getByLabel("Stay signed in on this device").check();
    await page.getByRole("button", { name: "Log in by email" }).click();
    await page.getByLabel("Email address").fill(email);
    await page.getByLabel("Email address").press("Enter");
    await page.getByLabel("Code").fill(await mailbox.waitFor(email, /\b(\d{6})$/m));
    await page.getByLabel("Code").press("Enter");
    await page.getByRole("heading", { name: "Second factor" }).waitFor();
    await page.getByLabel("Code", { exact: true }).fill(codeOf(secret, 1));
    await page.getByLabel("Code", { exact: true }).press("Enter");
    await page.getByRole("button", { name: "Log out" }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Log out" }).waitFor();
  });
}

async function logInToStay(page: Page, username: string): Promise<void> {
  await page.getByLabel("Username or email").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Stay signed in on this device").check();
  await page.getByRole("button", { name: "Log in", exact: true }).click();
}
