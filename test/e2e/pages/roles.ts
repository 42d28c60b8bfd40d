import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import type { DevServer } from "../server.ts";
import { type Call, createCall, createHolder, logIn, logInByApi, PASSWORD } from "./people.ts";
import { assertFits } from "./users.ts";
import { type Visit, visit } from "./visit.ts";

const PERMISSION = "invoices:approve";

/** An administrator manages roles and permissions. Others see what their role allows. */
export async function testRoles(browser: Browser, { url, admin }: DevServer): Promise<void> {
  const call = createCall(url);
  const token = await logInByApi(call, admin.username, admin.password);
  await visit(browser, url, async (visited) => {
    const { page, checkAccessibility } = visited;
    await page.goto("/console/roles");
    await logIn(page, admin.username, admin.password);
    await readMatrix(page);
    await checkAccessibility();
    await createPermission(visited);
    await createRole(visited);
    await editRole(visited, call, token);
    await editSystemRole(page);
    await deleteRole(visited, call, token);
    await deletePermission(page);
  });
  await createHolder(call, token, { username: "rita.reader", permissions: ["roles:read"] });
  await visit(
    browser,
    url,
    async ({ page, checkAccessibility }) => {
      await page.goto("/console");
      await logIn(page, "rita.reader");
      await page.getByRole("heading", { name: "Roles", level: 1 }).waitFor();
      await chooseColumn(page);
      assert.deepEqual(await page.getByRole("navigation").getByRole("link").allInnerTexts(), [
        "Roles",
      ]);
      for (const name of [/^Create/, /^Edit/, /^Delete/])
        assert.equal(await page.getByRole("button", { name }).count(), 0);
      await checkAccessibility();
      await assertFits(page);
    },
    { width: 360, scheme: "dark" },
  );
  await createPartialWriter(call, token);
  await visit(
    browser,
    url,
    async ({ page }) => {
      await page.goto("/console/roles");
      await page.getByLabel("Benutzername oder E-Mail-Adresse").fill("will.writer");
      await page.getByLabel("Passwort", { exact: true }).fill(PASSWORD);
      await page.getByRole("button", { name: "Anmelden", exact: true }).click();
      await page.getByRole("button", { name: "user bearbeiten" }).waitFor();
      // Who does not hold what a role grants cannot change it, and can only grant what they hold.
      assert.equal(await page.getByRole("button", { name: "admin bearbeiten" }).count(), 0);
      await page.getByRole("button", { name: "Rolle anlegen" }).click();
      const granted = page.getByRole("dialog").getByRole("group").getByRole("checkbox");
      await granted.last().waitFor();
      assert.equal(await granted.count(), 2);
      await page.getByText("Rollen anlegen, ändern und löschen.").last().waitFor();
    },
    { locale: "de" },
  );
}

async function readMatrix(page: Page): Promise<void> {
  const table = page.getByRole("table", { name: "Permissions by role" });
  await table.waitFor();
  const columns = await table.getByRole("columnheader").allInnerTexts();
  assert.deepEqual(columns.slice(0, 4), ["Permission", "admin", "moderator", "user"]);
  const row = table.getByRole("row", { name: "users:update" });
  assert.deepEqual(
    (await row.getByRole("cell").allInnerTexts()).slice(0, 3).map((text) => text.split("\n")[0]),
    ["✓", "✓", "–"],
  );
  await table.getByRole("row", { name: "users", exact: true }).waitFor();
}

async function chooseColumn(page: Page): Promise<void> {
  const row = page.getByRole("row", { name: "sessions:read" });
  const cells = () => row.getByRole("cell").allTextContents();
  await page.getByLabel("Role", { exact: true }).selectOption("user");
  assert.deepEqual(await cells(), ["–Not granted"]);
  await page.getByLabel("Role", { exact: true }).selectOption("moderator");
  assert.deepEqual(await cells(), ["✓Granted"]);
}

async function createPermission({ page, checkAccessibility }: Visit): Promise<void> {
  await page.getByRole("button", { name: "Create permission" }).click();
  const dialog = page.getByRole("dialog", { name: "Create a permission" });
  await checkAccessibility();
  await dialog.getByLabel("Name").fill("users:tickle");
  await dialog.getByLabel("Description").fill("Approve invoices for payment.");
  await dialog.getByRole("button", { name: "Create permission" }).click();
  await dialog.getByText("reserved for permissions of Roster").waitFor();
  assert.equal(await dialog.getByLabel("Name").getAttribute("aria-invalid"), "true");
  await dialog.getByLabel("Name").fill(PERMISSION);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByText(`Saved ${PERMISSION}.`).waitFor();
  const own = page.getByRole("region", { name: "Permissions of your application" }).first();
  await own.getByRole("row", { name: PERMISSION }).waitFor();
}

async function createRole({ page, checkAccessibility }: Visit): Promise<void> {
  await page.getByRole("button", { name: "Create role" }).click();
  const dialog = page.getByRole("dialog", { name: "Create a role" });
  await checkAccessibility();
  await dialog.getByLabel("Name").fill("moderator");
  await dialog.getByLabel("Description").fill("Helps users.");
  await dialog.getByRole("checkbox", { name: "users:read" }).check();
  // The administrator holds the new permission.
  await dialog.getByRole("checkbox", { name: PERMISSION }).check();
  await dialog.getByRole("button", { name: "Create role" }).click();
  await dialog.getByText("There is a role with this name.").waitFor();
  await dialog.getByLabel("Name").fill("support");
  await dialog.getByRole("button", { name: "Create role" }).click();
  await page.getByText("Saved support.").waitFor();
  const card = page.getByRole("article", { name: "support" });
  await card.getByText("Helps users.").waitFor();
  await card.getByText("2 permissions").waitFor();
}

/** Someone else changes the role twice while it is edited. */
async function editRole(
  { page, checkAccessibility }: Visit,
  call: Call,
  token: string,
): Promise<void> {
  const change = (description: string) =>
    call("/v1/roles/support", {
      method: "PUT",
      body: { description, permissions: ["users:read", "audit:read"] },
      token,
    });
  const card = page.getByRole("article", { name: "support" });
  const dialog = page.getByRole("dialog", { name: "Edit role" });
  const conflict = page.getByRole("dialog", { name: "Someone else changed this" });
  await page.getByRole("button", { name: "Edit support" }).click();
  await dialog.getByLabel("Description").fill("Mine.");
  await dialog.getByRole("checkbox", { name: "Require a second factor" }).check();
  await change("Theirs.");
  await dialog.getByRole("button", { name: "Save" }).click();
  await conflict.waitFor();
  const rows = await conflict.getByRole("row").allInnerTexts();
  assert.deepEqual(
    rows.slice(1).map((row) => row.split("\t").map((text) => text.trim())),
    [
      ["Description", "Theirs.", "Mine."],
      ["Require a second factor", "No", "Yes"],
      ["audit:read", "Yes", "No"],
      [PERMISSION, "No", "Yes"],
    ],
  );
  await checkAccessibility();
  await conflict.getByRole("button", { name: "Save mine" }).click();
  await card.getByText("Mine.").waitFor();
  await card.getByText("Second factor required").waitFor();

  await page.getByRole("button", { name: "Edit support" }).click();
  await dialog.getByLabel("Description").fill("Mine again.");
  await change("Theirs again.");
  await dialog.getByRole("button", { name: "Save" }).click();
  await conflict.getByRole("button", { name: "Take theirs" }).click();
  await card.getByText("Theirs again.").waitFor();
}

async function editSystemRole(page: Page): Promise<void> {
  const dialog = page.getByRole("dialog", { name: "Edit role" });
  assert.equal(await page.getByRole("button", { name: "Delete moderator" }).count(), 0);
  for (const isRequired of [true, false]) {
    await page.getByRole("button", { name: "Edit moderator" }).click();
    await dialog.getByRole("checkbox", { name: "Require a second factor" }).setChecked(isRequired);
    assert.equal(await dialog.getByRole("checkbox").count(), 1);
    assert.equal(await dialog.getByRole("textbox").count(), 0);
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    const mark = page.getByRole("article", { name: "moderator" }).getByText("Second factor");
    await mark.waitFor({ state: isRequired ? "visible" : "detached" });
  }
}

async function deleteRole(
  { page, checkAccessibility }: Visit,
  call: Call,
  token: string,
): Promise<void> {
  const person = { username: "sue.support", email: "sue.support@example.com", password: PASSWORD };
  const { id } = await call("/v1/users", {
    body: { ...person, role: "support" },
    token,
    status: 201,
  });
  await page.getByRole("button", { name: "Delete support" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete role “support”?" });
  await checkAccessibility();
  await dialog.getByRole("textbox").fill("suport");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await dialog.locator(".fault").waitFor();
  await dialog.getByRole("textbox").fill("support");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await dialog.getByText("Users still have this role.").waitFor();
  await call(`/v1/users/${id}/role`, { method: "PUT", body: { role: "user" }, token });
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByText("Deleted support.").waitFor();
  await page.getByRole("article", { name: "support" }).waitFor({ state: "detached" });
}

async function deletePermission(page: Page): Promise<void> {
  await page.getByRole("button", { name: `Delete ${PERMISSION}` }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill(PERMISSION);
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByText("Your application has no permissions of its own yet.").waitFor();
}

async function createPartialWriter(call: Call, token: string): Promise<void> {
  const permissions = ["roles:read", "roles:write"];
  await createHolder(call, token, { username: "will.writer", permissions });
}
