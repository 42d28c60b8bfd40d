import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import type { DevServer } from "../server.ts";
import { codeOf } from "../totp.ts";
import { openSection } from "./account.ts";
import { readClipboard } from "./clipboard.ts";
import { createCall, logIn, register } from "./people.ts";
import { type Visit, visit } from "./visit.ts";

/** A person adds an authenticator app and a passkey, renames and removes them, and gets recovery codes. */
export async function testFactors(browser: Browser, { url }: DevServer): Promise<void> {
  await register(createCall(url), "petra");
  const options = { hasAuthenticator: true };
  await visit(
    browser,
    url,
    async (visit) => {
      const { page } = visit;
      await page.goto("/account");
      await logIn(page, "petra");
      await openSection(page, "Second factors");
      await page.getByText("You have no second factor.").waitFor();
      await addApp(visit);
      await addPasskey(visit);
      await rename(page);
      await generate(visit);
      await remove(page, "Phone");
      await remove(page, "Laptop");
      await page.getByText("You have no second factor.").waitFor();
      assert.equal(await page.getByRole("heading", { name: "Recovery codes" }).count(), 0);
    },
    options,
  );
}

async function addApp({ page, checkAccessibility }: Visit): Promise<void> {
  await page.getByRole("button", { name: "Add an authenticator app" }).click();
  const dialog = page.getByRole("dialog", { name: "Add an authenticator app" });
  await dialog.getByRole("img", { name: "QR code" }).waitFor();
  await checkAccessibility();
  const secret = await dialog.getByRole("code").first().innerText();
  await dialog.getByLabel("Code from the app").fill("000000");
  await page.keyboard.press("Enter");
  await dialog.getByText("The code is wrong, used or expired.").waitFor();
  await dialog.getByLabel("Code from the app").fill(codeOf(secret));
  await page.keyboard.press("Enter");
  await keepCodes({ page, checkAccessibility });
  await page.getByText("The second factor was added.").waitFor();
  await page.getByText("10 codes are left.").waitFor();
  // An account has one authenticator app.
  assert.equal(await page.getByRole("button", { name: "Add an authenticator app" }).count(), 0);
}

/** Copies and downloads the recovery codes that are shown. */
async function keepCodes(
  visit: Pick<Visit, "page" | "checkAccessibility">,
): Promise<readonly string[]> {
  const { page, checkAccessibility } = visit;
  const dialog = page.getByRole("dialog", { name: "Recovery codes" });
  await dialog.getByRole("listitem").first().waitFor();
  const codes = await dialog.getByRole("listitem").allInnerTexts();
  assert.equal(codes.length, 10);
  await checkAccessibility();
  await dialog.getByRole("button", { name: "Copy" }).click();
  await dialog.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await readClipboard(page);
  assert.deepEqual(copied.trim().split("\n"), codes);
  const arrival = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Download" }).click();
  const file = await readFile(await (await arrival).path(), "utf8");
  for (const code of codes) assert.ok(file.includes(code));
  await dialog.getByRole("button", { name: "I have kept the codes" }).click();
  await dialog.waitFor({ state: "detached" });
  return codes;
}

async function addPasskey({ page, checkAccessibility }: Visit): Promise<void> {
  await page.getByRole("button", { name: "Add a passkey" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a passkey" });
  await dialog.getByLabel("Name of the passkey").fill("Laptop");
  await checkAccessibility();
  await dialog.getByRole("button", { name: "Create a passkey" }).click();
  await page.getByRole("heading", { name: "Laptop" }).waitFor();
  await checkAccessibility();
}

async function rename(page: Page): Promise<void> {
  const app = page.getByRole("group", { name: "Authenticator app" });
  await app.getByRole("button", { name: "Rename" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Phone");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Phone" }).waitFor();
}

async function generate(visit: Visit): Promise<void> {
  const { page } = visit;
  await page.getByRole("button", { name: "Create new recovery codes" }).click();
  const dialog = page.getByRole("dialog", { name: "Create new recovery codes" });
  await visit.checkAccessibility();
  await dialog.getByRole("button", { name: "Create new recovery codes" }).click();
  await keepCodes(visit);
  await page.getByText("You have ten new recovery codes.").waitFor();
}

async function remove(page: Page, name: string): Promise<void> {
  await page.getByRole("group", { name }).getByRole("button", { name: "Remove" }).click();
  const dialog = page.getByRole("dialog", { name: `Remove “${name}”` });
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.getByText(`“${name}” was removed.`).waitFor();
  await page.getByRole("group", { name }).waitFor({ state: "detached" });
}
