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
import { visit } from "./visit.ts";

interface Scene {
  browser: Browser;
  url: string;
  call: Call;
  /** The access token of the administrator. */
  admin: string;
  mailbox: Surroundings["mailbox"];
}

/** Each way to log in, and what a login may ask for on the way. */
export async function testLogin(
  browser: Browser,
  { url, admin }: DevServer,
  { mailbox }: Surroundings,
): Promise<void> {
  const call = createCall(url);
  const token = await logInByApi(call, admin.username, admin.password);
  const scene = { browser, url, call, admin: token, mailbox };
  await testPassword(scene);
  await testRegistration(scene);
  await testEmail(scene);
  await testSecondFactors(scene);
  await testRequiredFactor(scene);
  await testExpiredPassword(scene);
  await testRefusals(scene);
  await testGerman(scene);
}

async function testPassword({ browser, url, call }: Scene): Promise<void> {
  await register(call, "pia");
  await visit(browser, url, async ({ page, calls, checkAccessibility }) => {
    await page.goto("/account");
    await checkAccessibility();
    await page.getByLabel("Username or email").fill("pia@example.com");
    const password = page.getByLabel("Password", { exact: true });
    await password.fill("wrong");
    await page.getByRole("button", { name: "Show password" }).click();
    assert.equal(await password.getAttribute("type"), "text");
    await page.getByRole("button", { name: "Hide password" }).click();
    await password.press("Enter");
    await page.getByRole("alert").getByText("The name or the password is wrong.").waitFor();
    await checkAccessibility();
    await password.fill(PASSWORD);
    await password.press("Enter");
    await page.getByRole("button", { name: "Log out" }).waitFor();
    // Nothing remembers the person.
    await page.reload();
    await page.getByRole("button", { name: "Log in", exact: true }).waitFor();
    assert.ok(!calls.includes("POST /v1/auth/refresh"), "a refresh without a session to resume");
  });
}

async function testRegistration({ browser, url }: Scene): Promise<void> {
  await visit(
    browser,
    url,
    async ({ page, checkAccessibility }) => {
      await page.goto("/account");
      await page.getByRole("button", { name: "Create an account" }).click();
      const submit = page.getByRole("button", { name: "Create an account" });
      await page.getByLabel("Username").fill("pia");
      await page.getByLabel("Email address").fill("rosa@example.com");
      await page.getByLabel("Password", { exact: true }).fill("short");
      await submit.click();
      await page.getByText("Must have at least 8 characters.").waitFor();
      await checkAccessibility();
      await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
      await submit.click();
      await page.getByText("Another account has this username.").waitFor();
      await page.getByLabel("Username").fill("rosa");
      await checkWidth(page);
      await submit.click();
      await page.getByRole("button", { name: "Log out" }).waitFor();
    },
    { width: 360, scheme: "dark" },
  );
}

async function testEmail({ browser, url, call, mailbox }: Scene): Promise<void> {
  await register(call, "mara");
  await visit(browser, url, async ({ page, checkAccessibility }) => {
    await page.goto("/account");
    await page.getByRole("button", { name: "Log in by email" }).click();
    await checkAccessibility();
    await page.getByLabel("Email address").fill("mara@example.com");
    await page.getByRole("button", { name: "Send the email" }).click();
    const code = await mailbox.waitFor("mara@example.com", /\b(\d{6})$/m);
    const field = page.getByLabel("Code");
    assert.equal(await field.getAttribute("autocomplete"), "one-time-code");
    await checkAccessibility();
    await field.fill(code === "000000" ? "000001" : "000000");
    await field.press("Enter");
    await page.getByText("The code is wrong").waitFor();
    await field.fill(code);
    await field.press("Enter");
    await page.getByRole("button", { name: "Log out" }).waitFor();
  });
}

async function testSecondFactors({ browser, url, call }: Scene): Promise<void> {
  await register(call, "tom");
  const { secret, codes } = await addTotp(call, await logInByApi(call, "tom"));
  await visit(browser, url, async ({ page, checkAccessibility }) => {
    await page.goto("/account");
    await enterPassword(page, "tom");
    await page.getByRole("heading", { name: "Second factor" }).waitFor();
    await checkAccessibility();
    await page.getByLabel("Code", { exact: true }).fill("000000");
    await page.getByLabel("Code", { exact: true }).press("Enter");
    await page.getByText("The code is wrong").waitFor();
    // The code of this half minute has confirmed the app.
    await page.getByLabel("Code", { exact: true }).fill(codeOf(secret, 1));
    await page.getByLabel("Code", { exact: true }).press("Enter");
    await page.getByRole("button", { name: "Log out" }).click();
    await enterPassword(page, "tom");
    await page.getByLabel("How do you want to confirm?").selectOption("Recovery code");
    await page.getByLabel("Code", { exact: true }).fill(codes[0] ?? "");
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await page.getByRole("button", { name: "Log out" }).waitFor();
  });
}

async function testRequiredFactor({ browser, url, call, admin }: Scene): Promise<void> {
  const role = { name: "careful", permissions: [], require_mfa: true };
  await call("/v1/roles", { body: role, token: admin, status: 201 });
  for (const name of ["rick", "ruth"]) {
    const { id } = await register(call, name);
    const body = { role: "careful" };
    await call(`/v1/users/${id}/role`, { method: "PUT", body, token: admin });
  }
  await visit(browser, url, async ({ page, checkAccessibility }) => {
    await page.goto("/account");
    await enterPassword(page, "rick");
    await page.getByRole("heading", { name: "Set up a second factor" }).waitFor();
    await page.getByRole("img", { name: "QR code for the authenticator app" }).waitFor();
    const secret = await page.getByText(/^[A-Z2-7]{32}$/).innerText();
    await checkAccessibility();
    await page.getByLabel("Code from the app").fill("000000");
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.getByText("The code is wrong").waitFor();
    await page.getByLabel("Code from the app").fill(codeOf(secret));
    await page.getByRole("button", { name: "Confirm" }).click();
    const codes = await readRecoveryCodes(page);
    await checkAccessibility();
    await page.getByRole("button", { name: "I have kept the codes" }).click();
    await page.getByText("Your second factor is set up.").waitFor();
    await enterPassword(page, "rick");
    await page.getByLabel("How do you want to confirm?").selectOption("Recovery code");
    await page.getByLabel("Code", { exact: true }).fill(codes[0] ?? "");
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await page.getByRole("button", { name: "Log out" }).waitFor();
  });
  const options = { hasAuthenticator: true, width: 360, scheme: "dark" } as const;
  await visit(
    browser,
    url,
    async ({ page, setPresence, checkAccessibility }) => {
      await page.goto("/account");
      await enterPassword(page, "ruth");
      await page.getByLabel("Kind of second factor").selectOption("Passkey");
      await page.getByLabel("Name of the passkey").fill("Ruth's laptop");
      await checkAccessibility();
      await checkWidth(page);
      await page.getByRole("button", { name: "Create a passkey" }).click();
      await page.getByRole("listitem").first().waitFor();
      await checkAccessibility();
      await checkWidth(page);
      // The browser offers the passkey, but nobody chooses it yet.
      await setPresence(false);
      await page.getByRole("button", { name: "I have kept the codes" }).click();
      await enterPassword(page, "ruth");
      await page.getByRole("heading", { name: "Second factor" }).waitFor();
      await setPresence(true);
      await page.getByRole("button", { name: "Use a passkey" }).click();
      await page.getByRole("button", { name: "Log out" }).waitFor();
      await setAutofill(page, false);
      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByRole("button", { name: "Log in with a passkey" }).click();
      await page.getByRole("button", { name: "Log out" }).waitFor();
      await setAutofill(page, true);
      await page.getByRole("button", { name: "Log out" }).click();
      // Now it is chosen from what the browser offers.
      await page.getByRole("button", { name: "Log out" }).waitFor();
    },
    options,
  );
}

/** Whether the browser says that it can offer passkeys while the name is typed. It would log in by itself here, as the test's authenticator does. */
function setAutofill(page: Page, isAvailable: boolean): Promise<void> {
  return page.evaluate((available) => {
    PublicKeyCredential.isConditionalMediationAvailable = async () => available;
  }, isAvailable);
}

/** The recovery codes that the page shows. They can be copied and downloaded. */
async function readRecoveryCodes(page: Page): Promise<string[]> {
  const items = page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem");
  await items.first().waitFor();
  const codes = await items.allInnerTexts();
  assert.equal(codes.length, 10);
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  assert.equal((await download).suggestedFilename(), "recovery-codes.txt");
  return codes;
}

async function testExpiredPassword({ browser, url, call, admin }: Scene): Promise<void> {
  const { id } = await register(call, "olga");
  await call(`/v1/users/${id}/password/expire`, { token: admin, status: 204 });
  await visit(browser, url, async ({ page, checkAccessibility }) => {
    await page.goto("/account");
    await enterPassword(page, "olga");
    await page.getByText("Your password has expired.").waitFor();
    await page.getByLabel("New password").fill(PASSWORD);
    await page.getByLabel("New password").press("Enter");
    await page.getByText("Must not be the expired password.").waitFor();
    await checkAccessibility();
    await page.getByLabel("New password").fill("another pass phrase");
    await page.getByLabel("New password").press("Enter");
    await page.getByText("Your password is set. Log in with it.").waitFor();
    await checkAccessibility();
    await logIn(page, "olga", "another pass phrase");
  });
}

async function testRefusals({ browser, url, call }: Scene): Promise<void> {
  await register(call, "lena");
  const body = { username: "lena", password: "wrong" };
  for (let tries = 0; tries < 10; tries++) {
    await call("/v1/auth/login", { body, status: 401 });
  }
  await visit(browser, url, async ({ page }) => {
    await page.goto("/account");
    await enterPassword(page, "lena");
    await page.getByText(/Too many attempts\. Try again in 1\d minutes\./).waitFor();
    const problem = { code: "email_not_verified", status: 403, title: "", detail: "" };
    await page.route("**/v1/auth/login", (route) => route.fulfill({ status: 403, json: problem }));
    await enterPassword(page, "lena");
    await page.getByText("Confirm your email address first.").waitFor();
    await page.getByRole("button", { name: "Forgot your password?" }).click();
    await page.getByLabel("Email address").fill("nobody@example.com");
    await page.getByLabel("Email address").press("Enter");
    await page.getByText("If an account has this address").waitFor();
  });
}

async function testGerman({ browser, url }: Scene): Promise<void> {
  const options = { locale: "de-DE", scheme: "dark", width: 360 } as const;
  await visit(
    browser,
    url,
    async ({ page, checkAccessibility }) => {
      await page.goto("/console");
      await page.getByRole("button", { name: "Anmelden", exact: true }).waitFor();
      await page.getByRole("button", { name: "Weiter mit Example" }).waitFor();
      await checkAccessibility();
      await checkWidth(page);
      await page.getByRole("button", { name: "Konto erstellen" }).click();
      await page.getByLabel("Passwort", { exact: true }).fill("kurz");
      await page.getByLabel("Passwort", { exact: true }).press("Enter");
      await page.getByText("Zu kurz: mindestens 8 Zeichen.").waitFor();
      await checkAccessibility();
      await page.getByRole("button", { name: "Mit einem vorhandenen Konto anmelden" }).click();
      await page.getByLabel("Sprache").selectOption("English");
      await page.getByRole("button", { name: "Log in", exact: true }).waitFor();
    },
    options,
  );
}

async function enterPassword(page: Page, username: string): Promise<void> {
  await page.getByLabel("Username or email").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
}

/** Fails if the page is wider than the window. */
async function checkWidth(page: Page): Promise<void> {
  const isWider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.ok(!isWider, "the page is wider than the window");
}
