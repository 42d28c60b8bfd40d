import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import type { DevServer } from "../server.ts";
import { codeOf } from "../totp.ts";
import {
  addTotp,
  type Call,
  createCall,
  logIn,
  logInByApi,
  PASSWORD,
  register,
  type Surroundings,
} from "./people.ts";
import { type Visit, visit } from "./visit.ts";

const NEW_PASSWORD = "another pass phrase";

interface Scene {
  browser: Browser;
  url: string;
  call: Call;
  /** Waits for a mail, and returns its link to the page. */
  waitForLink: (address: string, page: string) => Promise<string>;
}

/** The links of emails: what each opens, that opening it does nothing, and what to do when it no longer works. */
export async function testLinks(
  browser: Browser,
  { url, admin }: DevServer,
  { mailbox }: Surroundings,
): Promise<void> {
  const call = createCall(url);
  const waitForLink: Scene["waitForLink"] = (address, page) =>
    mailbox.waitFor(address, new RegExp(`(http\\S+/${page}=\\S+)`));
  const scene = { browser, url, call, waitForLink };
  await testVerification(scene);
  await testDisowning(scene);
  await testReset(scene);
  await testEmailLogin(scene);
  const token = await logInByApi(call, admin.username, admin.password);
  await testInvitation(scene, token);
}

/** Opens a link. Fails unless its token leaves the address before any request, and nothing is used up before a button is pressed. */
async function open({ page, calls }: Visit, link: string, button: string): Promise<void> {
  // Ends the calls of the page before.
  await page.goto("about:blank");
  const before = calls.length;
  await page.goto(link);
  await page.getByRole("button", { name: button }).waitFor();
  assert.equal(page.url(), link.split("#")[0]);
  assert.deepEqual(calls.slice(before), [], "calls before the button was pressed");
}

async function testVerification({ browser, url, call, waitForLink }: Scene): Promise<void> {
  await register(call, "vera");
  const link = await waitForLink("vera@example.com", "verify-email#token");
  await visit(browser, url, async (visit) => {
    const { page, checkAccessibility } = visit;
    await open(visit, link, "Confirm this address");
    await checkAccessibility();
    await page.getByRole("button", { name: "Confirm this address" }).click();
    await page.getByText("The address vera@example.com is confirmed.").waitFor();
    await checkAccessibility();
    await page.getByRole("link", { name: "Go to your account" }).click();
    await page.getByRole("heading", { name: "Log in to Roster" }).waitFor();
    await open(visit, link, "Confirm this address");
    await page.getByRole("button", { name: "Confirm this address" }).click();
    await page.getByRole("heading", { name: "This link no longer works" }).waitFor();
    await checkAccessibility();
    await page.getByRole("button", { name: "Log in" }).click();
    await enterPassword(page, "vera", PASSWORD);
    await page.getByRole("button", { name: "Send a new link" }).click();
    await page.getByText("we have sent you a new link").waitFor();
  });
}

async function testDisowning({ browser, url, call, waitForLink }: Scene): Promise<void> {
  await register(call, "dora");
  const link = await waitForLink("dora@example.com", "verify-email#disown");
  const options = { width: 360, scheme: "dark" } as const;
  await visit(
    browser,
    url,
    async (visit) => {
      const { page, checkAccessibility } = visit;
      await open(visit, link, "This was not me: delete the account");
      await checkAccessibility();
      await page.getByRole("button", { name: "This was not me" }).click();
      await page.getByRole("dialog", { name: "Delete the account?" }).waitFor();
      await checkAccessibility();
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByRole("button", { name: "This was not me" }).click();
      await page.getByRole("button", { name: "Delete the account", exact: true }).click();
      await page.getByText("The account was deleted.").waitFor();
    },
    options,
  );
  const body = { username: "dora", password: PASSWORD };
  await call("/v1/auth/login", { body, status: 401 });
}

async function testReset({ browser, url, call, waitForLink }: Scene): Promise<void> {
  await register(call, "rita");
  await visit(browser, url, async (visit) => {
    const { page, checkAccessibility } = visit;
    await page.goto("/account");
    await page.getByRole("button", { name: "Forgot your password?" }).click();
    await checkAccessibility();
    await page.getByLabel("Email address").fill("rita@example.com");
    await page.getByRole("button", { name: "Send the link" }).click();
    await page.getByText("If an account has this address").waitFor();
    const link = await waitForLink("rita@example.com", "reset-password#token");
    await open(visit, link, "Set password");
    await checkAccessibility();
    await page.getByLabel("New password").fill("rita@example");
    await page.getByRole("button", { name: "Set password" }).click();
    await page.getByText("Must not contain").first().waitFor();
    await page.getByLabel("New password").fill(NEW_PASSWORD);
    await page.getByRole("button", { name: "Set password" }).click();
    await page.getByText("Your password is set. Log in with it.").waitFor();
    await enterPassword(page, "rita", NEW_PASSWORD);
    await page.waitForURL("/account");
    await page.getByRole("button", { name: "Log out" }).waitFor();
    await open(visit, link, "Set password");
    await page.getByLabel("New password").fill(PASSWORD);
    await page.getByRole("button", { name: "Set password" }).click();
    await page.getByRole("heading", { name: "This link no longer works" }).waitFor();
    await checkAccessibility();
    await page.getByLabel("Email address").fill("rita@example.com");
    await page.getByRole("button", { name: "Send the link" }).click();
    await page.getByText("If an account has this address").waitFor();
  });
}

async function testEmailLogin({ browser, url, call, waitForLink }: Scene): Promise<void> {
  await register(call, "elsa");
  const verification = await waitForLink("elsa@example.com", "verify-email#token");
  await visit(browser, url, async (visit) => {
    // What is set up before the address is proven would be void.
    await open(visit, verification, "Confirm this address");
    await visit.page.getByRole("button", { name: "Confirm this address" }).click();
    await visit.page.getByText("is confirmed").waitFor();
    const { secret } = await addTotp(call, await logInByApi(call, "elsa"));
    await call("/v1/auth/email-login", { body: { email: "elsa@example.com" }, status: 202 });
    const link = await waitForLink("elsa@example.com", "email-login#token");
    await open(visit, link, "Log in");
    await visit.checkAccessibility();
    const { page } = visit;
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByLabel("Code", { exact: true }).fill(codeOf(secret, 1));
    await page.getByLabel("Code", { exact: true }).press("Enter");
    await page.waitForURL("/account");
    await page.getByRole("button", { name: "Log out" }).waitFor();
    await open(visit, link, "Log in");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("The link has expired or was used.").waitFor();
    await page.getByLabel("Email address").waitFor();
    await visit.checkAccessibility();
  });
}

async function testInvitation(scene: Scene, token: string): Promise<void> {
  const { browser, url, call, waitForLink } = scene;
  const invited = { username: "ines", email: "ines@example.com" };
  await call("/v1/users", { body: invited, token, status: 201 });
  const link = await waitForLink("ines@example.com", "invitation#token");
  await visit(browser, url, async (visit) => {
    const { page, checkAccessibility } = visit;
    // A link that was cut off, and then the whole one in the same tab.
    await page.goto("/invitation");
    await page.getByRole("heading", { name: "This link no longer works" }).waitFor();
    await checkAccessibility();
    await page.evaluate((address) => location.assign(address), link);
    await page.getByRole("heading", { name: "Welcome to Roster" }).waitFor();
    assert.equal(new URL(page.url()).hash, "");
    await checkAccessibility();
    await page.getByLabel("New password").fill(PASSWORD);
    await page.getByLabel("New password").press("Enter");
    await page.getByText("Your password is set. Log in with it.").waitFor();
    await logIn(page, "ines");
  });
}

async function enterPassword(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel("Username or email").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
}
