import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import type { DevServer } from "../server.ts";
import { openSection } from "./account.ts";
import { readClipboard } from "./clipboard.ts";
import { createCall, logIn, logInByApi, PASSWORD, register } from "./people.ts";
import { type Visit, visit } from "./visit.ts";

/** A person creates an API key, renames, replaces and revokes it. A moderator may give a key more. */
export async function testApiKeys(browser: Browser, { url, admin }: DevServer): Promise<void> {
  const call = createCall(url);
  await register(call, "quinn");
  await visit(browser, url, async (visit) => {
    const { page } = visit;
    await page.goto("/account");
    await logIn(page, "quinn");
    await openSection(page, "API keys");
    await page.getByText("You have no API keys.").waitFor();
    const key = await create(visit, url);
    await rename(visit);
    await replace(visit, url, key);
    await revoke(visit);
  });

  const token = await logInByApi(call, admin.username, admin.password);
  const body = { username: "rose", email: "rose@example.com", password: PASSWORD };
  await call("/v1/users", { body: { ...body, role: "moderator" }, token, status: 201 });
  await visit(
    browser,
    url,
    async ({ page, checkAccessibility }) => {
      await page.goto("/account");
      await logIn(page, "rose");
      await openSection(page, "API keys");
      await page.getByRole("button", { name: "Create an API key" }).click();
      await page.getByLabel("users:read View any user.").waitFor();
      assert.equal(await page.getByLabel("roles:write").count(), 0);
      await checkAccessibility();
    },
    { width: 360, scheme: "dark" },
  );
}

/** Creates a key. Returns it. */
async function create({ page, checkAccessibility }: Visit, url: string): Promise<string> {
  await page.getByRole("button", { name: "Create an API key" }).click();
  const dialog = page.getByRole("dialog", { name: "Create an API key" });
  await dialog.getByLabel("Name", { exact: true }).fill("Reader");
  await dialog.getByRole("checkbox").nth(1).waitFor();
  assert.equal(await dialog.getByRole("checkbox").count(), 2);
  await page.keyboard.press("Enter");
  await dialog.getByText("Choose at least one.").waitFor();
  await checkAccessibility();
  await dialog.getByLabel("me:read View your own user and profile.").check();
  await dialog.getByLabel("Expires").selectOption("On a day that I choose");
  await dialog.getByRole("button", { name: "Create an API key" }).click();
  await dialog.locator("input[type=date][aria-invalid=true]").waitFor();
  await dialog.getByLabel("Last day").fill("2099-12-31");
  await dialog.getByRole("button", { name: "Create an API key" }).click();
  const key = await keepKey({ page, checkAccessibility });
  assert.equal(await useKey(url, key), 200);
  await page.getByText("Dec 31, 2099").waitFor();
  return key;
}

/** Copies the key that is shown, and closes its dialog. */
async function keepKey(visit: Pick<Visit, "page" | "checkAccessibility">): Promise<string> {
  const { page, checkAccessibility } = visit;
  const dialog = page.getByRole("dialog", { name: "Your new API key" });
  const key = await dialog.getByRole("code").first().innerText();
  await checkAccessibility();
  await dialog.getByRole("button", { name: "Copy" }).click();
  await dialog.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await readClipboard(page), key);
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  await dialog.waitFor({ state: "detached" });
  return key;
}

async function useKey(url: string, key: string): Promise<number> {
  return (await fetch(`${url}/v1/users/me`, { headers: { "X-API-Key": key } })).status;
}

function button(page: Page, key: string, name: string) {
  return page.getByRole("group", { name: key }).getByRole("button", { name });
}

async function rename({ page, checkAccessibility }: Visit): Promise<void> {
  await button(page, "Reader", "Rename").click();
  const dialog = page.getByRole("dialog", { name: "Rename" });
  await dialog.getByLabel("Name", { exact: true }).fill("Nightly reader");
  await checkAccessibility();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Nightly reader" }).waitFor();
}

async function replace(visit: Visit, url: string, key: string): Promise<void> {
  const { page } = visit;
  await button(page, "Nightly reader", "Replace").click();
  const dialog = page.getByRole("dialog", { name: "Replace the key “Nightly reader”" });
  await visit.checkAccessibility();
  await dialog.getByRole("button", { name: "Replace" }).click();
  const other = await keepKey(visit);
  assert.equal(await useKey(url, key), 401);
  assert.equal(await useKey(url, other), 200);
}

async function revoke({ page, checkAccessibility }: Visit): Promise<void> {
  await button(page, "Nightly reader", "Revoke").click();
  const dialog = page.getByRole("dialog", { name: "Revoke the key “Nightly reader”" });
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("The key “Nightly reader” was revoked.").waitFor();
  await page.getByText("You have no API keys.").waitFor();
  await page.getByLabel("Show revoked keys").check();
  await page.getByRole("heading", { name: "Nightly reader Revoked" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Rename" }).count(), 0);
  await checkAccessibility();
}
