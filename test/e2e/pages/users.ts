import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Browser, Download, Page } from "playwright-core";
import type { DevServer } from "../server.ts";
import { type Call, createCall, logIn, logInByApi, PASSWORD } from "./people.ts";
import { visit } from "./visit.ts";

const CROWD = 3000;
const IMPORTED_AT_ONCE = 1000;

/** An administrator and a moderator work with a list of some thousand users. */
export async function testUsers(browser: Browser, { url, admin }: DevServer): Promise<void> {
  const call = createCall(url);
  const token = await logInByApi(call, admin.username, admin.password);
  await importCrowd(call, token);
  for (const [username, role] of [
    ["una.admin", "admin"],
    ["udo.moderator", "moderator"],
  ]) {
    const body = { username, email: `${username}@example.com`, password: PASSWORD, role };
    await call("/v1/users", { body, token, status: 201 });
  }

  await visit(browser, url, async ({ page, calls, checkAccessibility }) => {
    await page.goto("/console/users");
    await logIn(page, "una.admin");
    await walk(page, calls);
    await checkAccessibility();
    await search(page);
    await filterAndSort(page);
    await checkAccessibility();
    await exportList(page);
    await create(page, checkAccessibility);
    await changeMany(page, checkAccessibility);
    await importFile(page, checkAccessibility);
  });

  await visit(
    browser,
    url,
    async ({ page, checkAccessibility }) => {
      await page.goto("/console/users?limit=10");
      await logIn(page, "udo.moderator");
      await page.getByRole("checkbox", { name: "Choose all on this page" }).check();
      const group = page.getByRole("group", { name: "With the chosen users" });
      const buttons = await group.getByRole("button").allInnerTexts();
      assert.deepEqual(buttons, ["Activate", "Deactivate"]);
      await page.getByRole("checkbox", { name: "Choose all on this page" }).uncheck();
      for (const name of ["crowd2999", "una.admin"])
        await page.getByRole("checkbox", { name: `Choose ${name}` }).check();
      await group.getByRole("button", { name: "Activate", exact: true }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Activate" }).click();
      await page.getByText("crowd2999: done").waitFor();
      await page.getByText("una.admin: This needs permissions").waitFor();
      for (const name of ["Create user", "Export"])
        assert.equal(await page.getByRole("button", { name, exact: true }).count(), 0);
      await page.getByText("Filters and order").click();
      await page.getByRole("textbox", { name: "Role" }).waitFor();
      assert.equal(await page.getByLabel("Deleted users").count(), 0);
      await checkAccessibility();
      await assertFits(page);
    },
    { width: 360, scheme: "dark" },
  );
}

/** Fails if the page must be scrolled sideways. */
export async function assertFits(page: Page): Promise<void> {
  const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(width <= 0, `${page.url()} is ${width} pixels too wide`);
}

/** The text of a file that the page has the browser save. */
export async function readDownload(download: Download): Promise<string> {
  return readFile(await download.path(), "utf8");
}

async function importCrowd(call: Call, token: string): Promise<void> {
  for (let first = 0; first < CROWD; first += IMPORTED_AT_ONCE) {
    const data = Array.from({ length: IMPORTED_AT_ONCE }, (_, index) => {
      const name = `crowd${String(first + index).padStart(4, "0")}`;
      return { email: `${name}@crowd.example`, username: name, is_active: index % 2 === 0 };
    });
    const { created } = await call("/v1/users/import", { body: { data }, token });
    assert.equal(created, IMPORTED_AT_ONCE);
  }
}

const row = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });
const usernames = (page: Page) => page.getByRole("rowheader").allInnerTexts();

// One request shows the list, and each further page is one more.
async function walk(page: Page, calls: string[]): Promise<void> {
  await row(page, "una.admin").waitFor();
  const first = calls.indexOf("POST /v1/auth/login") + 1;
  assert.deepEqual(calls.slice(first), ["GET /v1/users"]);
  const seen = await usernames(page);
  assert.equal(seen.length, 25);
  for (const number of [2, 3]) {
    await page.getByRole("button", { name: "Next page" }).click();
    await page.getByText(`Page ${number}`).waitFor();
    await page.locator("[aria-busy=true]").waitFor({ state: "detached" });
    assert.equal(calls.length, first + number);
    seen.push(...(await usernames(page)));
  }
  assert.equal(new Set(seen).size, 75, "a user is on two pages");
  await page.getByRole("link", { name: seen[60] ?? "", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: seen[60] ?? "" }).waitFor();
  await page.getByRole("main").getByRole("link", { name: "Users" }).click();
  await page.getByText("Page 3").waitFor();
  await page.getByRole("button", { name: "Previous page" }).click();
  await page.getByText("Page 2").waitFor();
  await row(page, seen[25] ?? "").waitFor();
  assert.deepEqual(await usernames(page), seen.slice(25, 50));
}

async function search(page: Page): Promise<void> {
  const field = page.getByLabel("Search", { exact: true });
  await field.fill("crowd1234");
  await field.press("Enter");
  await row(page, "una.admin").waitFor({ state: "detached" });
  await row(page, "crowd1234").waitFor();
  assert.deepEqual(await usernames(page), ["crowd1234"]);
  assert.doesNotMatch(page.url(), /crowd/);
  await page.getByRole("link", { name: "crowd1234" }).click();
  await page.getByRole("heading", { level: 1, name: "crowd1234" }).waitFor();
  await page.goBack();
  await row(page, "crowd1234").waitFor();
  assert.equal(await field.inputValue(), "crowd1234");
  await field.fill("nobody at all");
  await field.press("Enter");
  await page.getByText("No users match.").waitFor();
  await page.getByRole("button", { name: "Clear" }).click();
  await row(page, "una.admin").waitFor();
}

async function filterAndSort(page: Page): Promise<void> {
  await page.getByText("Filters and order").click();
  await page.getByLabel("Role", { exact: true }).selectOption("admin");
  await page.getByLabel("Status").selectOption("Active");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await row(page, "crowd").first().waitFor({ state: "detached" });
  assert.match(page.url(), /\?role=admin&is_active=true$/);
  assert.deepEqual((await usernames(page)).sort(), ["admin", "una.admin"]);
  await page.getByRole("button", { name: "Clear" }).click();
  await row(page, "crowd").first().waitFor();

  const column = page.getByRole("columnheader", { name: "Username" });
  await column.getByRole("button").click();
  await row(page, "crowd0000").waitFor();
  assert.equal(await column.getAttribute("aria-sort"), "ascending");
  await column.getByRole("button").click();
  await row(page, "una.admin").waitFor();
  assert.equal(await column.getAttribute("aria-sort"), "descending");

  const today = new Date().toLocaleDateString("sv");
  await page.getByLabel("Created to").fill("2001-01-01");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByText("No users match.").waitFor();
  await page.getByLabel("Created to").fill(today);
  await page.getByLabel("Created from").fill(today);
  await page.getByLabel("Status").selectOption("Inactive");
  await page.getByLabel("Users per page").selectOption("10");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await row(page, "crowd2999").waitFor();
  assert.equal((await usernames(page)).length, 10);
}

async function exportList(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Export", exact: true }).click();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  const lines = (await readDownload(await download)).trimEnd().split("\n");
  assert.equal(lines.length, CROWD / 2, "the export is what the filters select");
  assert.equal(JSON.parse(lines[0] ?? "").is_active, false);
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

async function create(page: Page, checkAccessibility: () => Promise<void>): Promise<void> {
  await page.getByRole("button", { name: "Create user" }).click();
  const dialog = page.getByRole("dialog", { name: "Create a user" });
  await checkAccessibility();
  await dialog.getByLabel("Username").fill("crowd0001");
  await dialog.getByLabel("Email").fill("not an address");
  await dialog.getByRole("button", { name: "Create" }).click();
  await dialog.getByText("Check the marked fields.").waitFor();
  assert.equal(await dialog.getByLabel("Email").getAttribute("aria-invalid"), "true");
  await dialog.getByLabel("Email").fill("nora@example.com");
  await dialog.getByLabel("Password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Create" }).click();
  await dialog.getByText("Another account has this username.").waitFor();
  await dialog.getByLabel("Username").fill("nora");
  await dialog.getByLabel("Role").selectOption("moderator");
  await dialog.getByRole("button", { name: "Create" }).click();
  await dialog.getByText("The user was created.").waitFor();
  await dialog.getByRole("link", { name: "Open nora" }).click();
  await page.getByRole("heading", { level: 1, name: "nora" }).waitFor();
  await page.goBack();
}

async function changeMany(page: Page, checkAccessibility: () => Promise<void>): Promise<void> {
  await page.getByRole("button", { name: "Clear" }).click();
  // The newest first again.
  await page.getByRole("link", { name: "Users", exact: true }).click();
  await row(page, "crowd2998").waitFor();
  const group = page.getByRole("group", { name: "With the chosen users" });
  const dialog = page.getByRole("dialog");
  const choose = async () => {
    for (const name of ["nora", "crowd2998"])
      await page.getByRole("checkbox", { name: `Choose ${name}` }).check();
    await group.getByText("2 chosen").waitFor();
  };
  await choose();
  await checkAccessibility();
  await group.getByRole("button", { name: "Set role" }).click();
  await dialog.getByLabel("Role").selectOption("moderator");
  await dialog.getByRole("button", { name: "Set role" }).click();
  await page.getByText("Done for 1 of 2 users.").waitFor();
  await page.getByText("nora: no change needed").waitFor();
  await page.getByText("crowd2998: done").waitFor();
  await row(page, "crowd2998").getByRole("cell", { name: "moderator" }).waitFor();

  await choose();
  await group.getByRole("button", { name: "Delete" }).click();
  await dialog.getByLabel("Type “delete 2” to confirm.").fill("delete 3");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await dialog.getByText("That is not “delete 2”.").waitFor();
  await checkAccessibility();
  await dialog.getByLabel("Type “delete 2” to confirm.").fill("delete 2");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByText("Done for 2 of 2 users.").waitFor();
  await row(page, "nora").waitFor({ state: "detached" });
  await page.getByText("Filters and order").click();
  await page.getByLabel("Deleted users").selectOption("Only deleted users");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await row(page, "nora").waitFor();
  const deleted = await usernames(page);
  assert.ok(deleted.includes("crowd2998") && deleted.includes("nora"), deleted.join());
}

async function importFile(page: Page, checkAccessibility: () => Promise<void>): Promise<void> {
  await page.getByRole("button", { name: "Import", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Import users" });
  const choose = (text: string) =>
    dialog
      .getByLabel("File")
      .setInputFiles({ name: "u.ndjson", mimeType: "text/plain", buffer: Buffer.from(text) });
  await choose("email\nfinn@example.com");
  await dialog.getByRole("button", { name: "Import the file" }).click();
  await dialog.getByText("This is neither NDJSON nor JSON.").waitFor();
  await choose(
    '{"email":"finn@example.com"}\n{"email":"no address"}\n{"email":"fina@example.com"}\n',
  );
  await dialog.getByRole("button", { name: "Import the file" }).click();
  await dialog.getByText("2 of 3 users created.").waitFor();
  await dialog.getByText("Row 2: email").waitFor();
  await checkAccessibility();
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Clear" }).click();
  await row(page, "fina").waitFor();
}
