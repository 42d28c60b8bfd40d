import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import type { DevServer } from "../server.ts";
import { type Call, createCall, logIn, logInByApi, register, type Surroundings } from "./people.ts";
import { type Visit, visit } from "./visit.ts";

const NEW_PASSWORD = "AnotherPass456!";
const SECTIONS = [
  "Overview",
  "Email",
  "Password",
  "Sessions",
  "Second factors",
  "Identities",
  "API keys",
  "Activity",
  "Data",
];

/** A person opens every page of their account, and changes, downloads and deletes it. */
export async function testAccount(
  browser: Browser,
  { url }: DevServer,
  surroundings: Surroundings,
): Promise<void> {
  const call = createCall(url);
  await register(call, "mia");
  await visit(browser, url, async (visit) => {
    await visit.page.goto("/account");
    await logIn(visit.page, "mia");
    await testNames(visit, call);
    await testProfile(visit, call);
    await testEmail(visit, call, surroundings);
    await testPassword(visit, call);
    await testActivity(visit, call);
    await testData(visit, call);
  });
  await testNarrow(browser, url);
}

/** Opens a page of the account by its link. */
export async function openSection(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { name, exact: true, level: 1 }).waitFor();
}

async function testNames({ page, checkAccessibility }: Visit, call: Call): Promise<void> {
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  assert.match(await page.title(), /^Overview – /);
  const form = page.getByRole("form", { name: "Names" });
  const save = form.getByRole("button", { name: "Save" });
  const first = form.getByLabel("First name");
  const token = await logInByApi(call, "mia");
  const change = (body: object) => call("/v1/users/me", { method: "PATCH", body, token });
  const read = () => call("/v1/users/me", { method: "GET", token });

  await first.fill("Mia");
  await form.getByLabel("Username").fill("x");
  await save.click();
  await form.getByText("Check the marked fields.").waitFor();
  assert.equal(await form.getByLabel("Username").getAttribute("aria-invalid"), "true");
  await checkAccessibility();
  await form.getByLabel("Username").fill("mia");
  await first.press("Enter");
  await form.getByText("Saved.").waitFor();
  assert.equal((await read()).first_name, "Mia");

  // Someone else changes another field meanwhile: both changes stay.
  await change({ last_name: "Meyer" });
  await first.fill("Maria");
  await save.click();
  await form.getByText("Saved.").waitFor();
  assert.equal(await form.getByLabel("Last name").inputValue(), "Meyer");
  assert.equal((await read()).full_name, "Maria Meyer");

  // The same field: the person decides.
  const dialog = page.getByRole("dialog", { name: "Someone else changed this" });
  await change({ first_name: "Mary" });
  await first.fill("Marie");
  await save.click();
  await dialog.getByRole("row", { name: "First name Mary Marie" }).waitFor();
  await checkAccessibility();
  await dialog.getByRole("button", { name: "Take theirs" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal(await first.inputValue(), "Mary");
  await change({ first_name: "Miriam" });
  await first.fill("Mia");
  await save.click();
  await dialog.getByRole("button", { name: "Save mine" }).click();
  await form.getByText("Saved.").waitFor();
  assert.equal((await read()).first_name, "Mia");
}

async function testProfile({ page, checkAccessibility }: Visit, call: Call): Promise<void> {
  const form = page.getByRole("form", { name: "Profile" });
  const values = {
    display_name: ["Display name", "Mia M."],
    bio: ["About you", "Two\nlines"],
    phone: ["Phone", "+41446681800"],
    locale: ["Language", "en"],
    timezone: ["Time zone", "Europe/Zurich"],
    avatar_url: ["Picture", "https://images.example/mia.png"],
  } as const;
  for (const [label, value] of Object.values(values)) await form.getByLabel(label).fill(value);
  await form.getByLabel("Phone").fill("12");
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText("Must be a phone number").waitFor();
  await checkAccessibility();
  await form.getByLabel("Phone").fill(values.phone[1]);
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText("Saved.").waitFor();
  const token = await logInByApi(call, "mia");
  const profile = await call("/v1/users/me/profile", { method: "GET", token });
  for (const [name, [, value]] of Object.entries(values)) assert.equal(profile[name], value, name);
}

async function testEmail(
  { page, checkAccessibility }: Visit,
  call: Call,
  { mailbox }: Surroundings,
): Promise<void> {
  await openSection(page, "Email");
  await page.getByText("Not confirmed").waitFor();
  await page.getByRole("button", { name: "Send the link again" }).click();
  await page.getByText("a new link is on its way").waitFor();
  const form = page.getByRole("form", { name: "Change the address" });
  await form.getByLabel("New email address").fill("mia.meyer@example.com");
  await form.getByLabel("Current password").fill("wrong");
  await form.getByRole("button", { name: "Change the address" }).click();
  await form.getByText("This is not your current password.").waitFor();
  await checkAccessibility();
  await form.getByLabel("Current password").fill("SecurePass123!");
  await form.getByRole("button", { name: "Change the address" }).click();
  await page.getByText("We have sent a link to mia.meyer@example.com.").waitFor();
  const token = await mailbox.waitForToken("mia.meyer@example.com", "verify-email");
  await call("/v1/auth/email/verify", { body: { token } });
  await openSection(page, "Data");
  await openSection(page, "Email");
  await page.getByText("mia.meyer@example.com").waitFor();
  await page.getByText("Confirmed", { exact: true }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Send the link again" }).count(), 0);
}

async function testPassword({ page, checkAccessibility }: Visit, call: Call): Promise<void> {
  await openSection(page, "Password");
  const form = page.getByRole("form");
  const send = async (current: string | undefined, next: string) => {
    if (current) await form.getByLabel("Current password").fill(current);
    await form.getByLabel("New password").fill(next);
    await page.keyboard.press("Enter");
  };
  await send("wrong", NEW_PASSWORD);
  await form.getByText("This is not your current password.").waitFor();
  await send("SecurePass123!", "password");
  await form.locator("[aria-invalid=true]").waitFor();
  assert.equal(await form.getByLabel("New password").getAttribute("aria-invalid"), "true");
  await checkAccessibility();
  await send("SecurePass123!", NEW_PASSWORD);
  await page.getByText("Your password was changed.").waitFor();
  await logInByApi(call, "mia", NEW_PASSWORD);

  // Logging in by email is another way, so the password can go.
  await page.getByRole("button", { name: "Remove the password" }).click();
  const dialog = page.getByRole("dialog", { name: "Remove the password" });
  await checkAccessibility();
  await dialog.getByRole("button", { name: "Remove the password" }).click();
  await page.getByText("Your password was removed.").waitFor();
  const body = { username: "mia", password: NEW_PASSWORD };
  await call("/v1/auth/login", { body, status: 401 });
  await page.getByRole("heading", { name: "Set a password" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Remove the password" }).count(), 0);
  await send(undefined, "SecurePass123!");
  await page.getByText("Your password was set.").waitFor();
  await logInByApi(call, "mia");
}

async function testActivity({ page, checkAccessibility }: Visit, call: Call): Promise<void> {
  const token = await logInByApi(call, "mia");
  for (const first_name of ["A", "B", "C", "D", "E", "F", "G"]) {
    await call("/v1/users/me", { method: "PATCH", body: { first_name }, token });
  }
  await openSection(page, "Activity");
  const events = page.getByRole("list").filter({ hasText: "Password changed" });
  const first = await events.first().innerText();
  assert.match(first, /Logged in/);
  assert.match(first, /First name: F → G/);
  await checkAccessibility();
  await page.getByRole("button", { name: "Next page" }).click();
  await page.getByText("Account created").waitFor();
  await page.getByRole("button", { name: "Previous page" }).click();
  await page.getByText("Password changed").first().waitFor();
}

async function testData({ page, checkAccessibility }: Visit, call: Call): Promise<void> {
  await openSection(page, "Data");
  const arrival = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download your data" }).click();
  const download = await arrival;
  assert.equal(download.suggestedFilename(), "account.json");
  const held = JSON.parse(await readFile(await download.path(), "utf8"));
  assert.equal(held.user.username, "mia");

  await page.getByRole("button", { name: "Delete your account" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete your account" });
  const name = dialog.getByLabel("Type “mia” to confirm.");
  await name.fill("Mia");
  await name.press("Enter");
  await dialog.locator("[aria-invalid=true]").waitFor();
  await checkAccessibility();
  await name.fill("mia");
  await dialog.getByRole("button", { name: "Delete my account" }).click();
  await page.getByText("Your account is deleted").waitFor();
  await page.getByLabel("Username or email").waitFor();
  await checkAccessibility();
  const body = { username: "mia", password: "SecurePass123!" };
  await call("/v1/auth/login", { body, status: 401 });
}

/** All pages in German, in the dark and in a narrow window. */
async function testNarrow(browser: Browser, url: string): Promise<void> {
  await register(createCall(url), "norma");
  await visit(
    browser,
    url,
    async ({ page, checkAccessibility }) => {
      await page.goto("/account/sessions");
      await logIn(page, "norma");
      await page.getByRole("heading", { name: "Sessions", level: 1 }).waitFor();
      for (const name of SECTIONS) {
        await openSection(page, name);
        await page.getByText("Loading…").first().waitFor({ state: "detached" });
        await checkAccessibility();
        await checkWidth(page);
      }
      await page.getByRole("combobox", { name: "Language" }).selectOption("de");
      await page.getByRole("heading", { name: "Daten", level: 1 }).waitFor();
      for (const link of await page.getByRole("navigation").getByRole("link").all()) {
        await link.click();
        const name = await link.innerText();
        await page.getByRole("heading", { name, exact: true, level: 1 }).waitFor();
        await page.getByText("Wird geladen …").first().waitFor({ state: "detached" });
        await checkWidth(page);
      }
    },
    { width: 360, scheme: "dark" },
  );
}

async function checkWidth(page: Page): Promise<void> {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${page.url()} is ${overflow} pixels too wide`);
}
