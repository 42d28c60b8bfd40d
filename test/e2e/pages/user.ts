import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import type { DevServer } from "../server.ts";
import { codeOf } from "../totp.ts";
import { type Call, createCall, logIn, logInByApi, PASSWORD, register } from "./people.ts";
import { assertFits, readDownload } from "./users.ts";
import { type Visit, visit } from "./visit.ts";

/** An administrator and a moderator work with the page of a user. */
export async function testUser(browser: Browser, { url, admin }: DevServer): Promise<void> {
  const call = createCall(url);
  const token = await logInByApi(call, admin.username, admin.password);
  for (const [username, role] of [
    ["ida.admin", "admin"],
    ["ines.admin", "admin"],
    ["max.moderator", "moderator"],
  ]) {
    const body = { username, email: `${username}@example.com`, password: PASSWORD, role };
    await call("/v1/users", { body, token, status: 201 });
  }
  const user = await register(call, "tilda");
  const place: Place = { call, token, user };

  await visit(browser, url, async (visited) => {
    const { page, calls, checkAccessibility } = visited;
    await page.goto(`/console/users/${user.id}`);
    await logIn(page, "ida.admin");
    await page.getByRole("heading", { level: 1, name: "tilda" }).waitFor();
    const made = calls.slice(calls.indexOf("POST /v1/auth/login") + 1);
    assert.equal(made[0], `GET /v1/users/${user.id}`);
    assert.ok(made.length <= 2, `the page of a user takes ${made.join(", ")}`);
    await checkAccessibility();
    await edit(page, place, checkAccessibility);
    await editProfile(page, place);
    await endSessions(visited, place);
    await manageKeys(visited);
    await readTrail(visited, place);
    await helpIn(page);
    await remove(visited, place);
  });

  await stepUp(browser, url, place);
  await moderate(browser, url, place);
}

interface Place {
  call: Call;
  token: string;
  user: { id: string };
}

const section = (page: Page, name: string) =>
  page
    .getByRole("navigation", { name: "Sections of the user" })
    .getByRole("link", { name })
    .click();
const save = (page: Page) => page.getByRole("button", { name: "Save", exact: true }).click();
const saved = (page: Page) => page.getByText("Saved.").waitFor();

/** Changes the user as someone else would, while the page is open. */
const changeBehind = ({ call, token, user }: Place, body: object) =>
  call(`/v1/users/${user.id}`, { method: "PATCH", body, token });

// Two people edit at once: each difference is shown, and the person chooses.
async function edit(
  page: Page,
  place: Place,
  checkAccessibility: () => Promise<void>,
): Promise<void> {
  const [first, last] = [page.getByLabel("First name"), page.getByLabel("Last name")];
  await first.fill("Tilda");
  await last.fill("Berg");
  await first.press("Enter");
  await saved(page);
  await page.getByText("Tilda Berg").waitFor();

  const conflict = page.getByRole("dialog", { name: "Someone else changed this" });
  await changeBehind(place, { first_name: "Mathilda" });
  await first.fill("Tilly");
  await save(page);
  await conflict.getByRole("cell", { name: "Mathilda" }).waitFor();
  await conflict.getByRole("cell", { name: "Tilly" }).waitFor();
  await checkAccessibility();
  await conflict.getByRole("button", { name: "Save mine" }).click();
  await saved(page);
  await page.getByText("Tilly Berg").waitFor();

  await changeBehind(place, { first_name: "Mathilda", is_active: false });
  await last.fill("Strand");
  await save(page);
  await conflict.getByRole("cell", { name: "Inactive" }).waitFor();
  await conflict.getByRole("button", { name: "Save mine" }).click();
  await page.getByText("Mathilda Strand").waitFor();
  assert.equal(await page.getByLabel("Status").inputValue(), "false", "their change is kept");

  await changeBehind(place, { last_name: "Falk" });
  await last.fill("Holm");
  await save(page);
  await conflict.getByRole("button", { name: "Take theirs" }).click();
  await page.getByText("Mathilda Falk").waitFor();
  assert.equal(await last.inputValue(), "Falk");

  await page.getByLabel("Email", { exact: true }).fill("tilda@new.example");
  await page.getByLabel("Role").selectOption("moderator");
  await page.getByLabel("Status").selectOption("Active");
  await page.getByLabel("Username").fill("x");
  await save(page);
  await page.getByText("Check the marked fields.").waitFor();
  assert.equal(await page.getByLabel("Username").getAttribute("aria-invalid"), "true");
  await page.getByLabel("Username").fill("tilda.falk");
  await save(page);
  await page.getByRole("heading", { level: 1, name: "tilda.falk" }).waitFor();
  const { username, email, role, is_active } = await changeBehind(place, {});
  assert.deepEqual(
    [username, email, role, is_active],
    ["tilda.falk", "tilda@new.example", "moderator", true],
  );
}

async function editProfile(page: Page, { call, token, user }: Place): Promise<void> {
  await section(page, "Profile");
  await page.getByLabel("Display name").fill("Tilda F.");
  await page.getByLabel("Metadata").fill("{ nonsense");
  await save(page);
  await page.getByText("This is not JSON.").waitFor();
  await page.getByLabel("Metadata").fill('{ "theme": "dark" }');
  await page.getByLabel("Phone").fill("+41446681800");
  await save(page);
  await saved(page);
  const profile = await call(`/v1/users/${user.id}/profile`, { method: "GET", token });
  assert.equal(profile.display_name, "Tilda F.");
  assert.deepEqual(profile.metadata, { theme: "dark" });
}

async function endSessions({ page, checkAccessibility }: Visit, { call }: Place): Promise<void> {
  await logInByApi(call, "tilda.falk");
  await logInByApi(call, "tilda.falk");
  await section(page, "Sessions");
  const rows = page.getByRole("row").filter({ has: page.getByRole("button") });
  await rows.nth(1).waitFor();
  await checkAccessibility();
  await rows
    .first()
    .getByRole("button", { name: /^End the session of/ })
    .click();
  await rows.nth(1).waitFor({ state: "detached" });
  await page.getByText(/The session of .* has ended/).waitFor();
  await page.getByRole("button", { name: "End all sessions" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End all sessions" }).click();
  await page.getByText("This person is not logged in.").waitFor();
}

async function manageKeys({ page, checkAccessibility }: Visit): Promise<void> {
  await section(page, "API keys");
  await page.getByText("No API keys.").waitFor();
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Create an API key" }).click();
  await dialog.getByRole("textbox", { name: "Name" }).fill("Nightly export");
  await dialog.getByLabel("users:read").check();
  assert.equal(await dialog.getByLabel("users:erase").count(), 0, "a scope that the role lacks");
  await checkAccessibility();
  await dialog.getByRole("button", { name: "Create an API key" }).click();
  const key = await dialog.getByText(/^rstk_/).innerText();
  await dialog.getByRole("button", { name: "Copy" }).click();
  await dialog.getByRole("button", { name: "Copied" }).waitFor();
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  await page.getByRole("button", { name: "Replace" }).click();
  await dialog.getByRole("button", { name: "Replace" }).click();
  assert.notEqual(await dialog.getByText(/^rstk_/).innerText(), key);
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  await page.getByRole("button", { name: "Revoke" }).click();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("No API keys.").waitFor();
  await page.getByLabel("Show revoked keys").check();
  await page.getByRole("heading", { name: "Nightly export" }).waitFor();
}

async function readTrail({ page, checkAccessibility }: Visit, place: Place): Promise<void> {
  for (let times = 0; times < 25; times += 1)
    await changeBehind(place, { last_name: `Falk ${times}` });
  await section(page, "Audit trail");
  await page.getByText("Falk 24").waitFor();
  await checkAccessibility();
  await page.getByRole("button", { name: "Next page" }).click();
  await page.getByText("Page 2").waitFor();
  await page.getByText("Account created").waitFor();
}

async function helpIn(page: Page): Promise<void> {
  await section(page, "Account");
  const button = (name: string) => page.getByRole("button", { name, exact: true });
  // A link was sent when the address was changed: there is one per minute.
  await button("Send verification").click();
  await page.getByText("Too many requests. Wait a moment").waitFor();
  await button("Mark as verified").click();
  await page.getByRole("dialog").getByRole("button", { name: "Mark as verified" }).click();
  await button("Send verification").waitFor({ state: "detached" });
  await button("Send reset").click();
  await page.getByText("The email is on its way.").waitFor();
  await button("Unlock").click();
  await page.getByText("The account is unlocked.").waitFor();
  await button("Expire password").click();
  await page.getByRole("dialog").getByRole("button", { name: "Expire password" }).click();
  await page.getByText("The password has expired.", { exact: true }).waitFor();
  assert.equal(await button("Reset factors").count(), 0);
}

async function remove({ page, checkAccessibility }: Visit, { user }: Place): Promise<void> {
  const dialog = page.getByRole("dialog");
  const file = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download data" }).click();
  assert.equal(JSON.parse(await readDownload(await file)).user.id, user.id);
  await page.getByRole("button", { name: "Delete user" }).click();
  await dialog.getByLabel("Type “tilda.falk” to confirm.").fill("tilda");
  await dialog.getByRole("button", { name: "Delete user" }).click();
  await dialog.getByText("That is not “tilda.falk”.").waitFor();
  await checkAccessibility();
  await dialog.getByLabel("Type “tilda.falk” to confirm.").fill("tilda.falk");
  await dialog.getByRole("button", { name: "Delete user" }).click();
  await page.getByRole("button", { name: "Restore user" }).click();
  await page.getByRole("button", { name: "Delete user" }).waitFor();
}

// A second factor that was added elsewhere: this session has not proven it, so what is dangerous asks for both.
async function stepUp(browser: Browser, url: string, { call, user }: Place): Promise<void> {
  await visit(browser, url, async ({ page, checkAccessibility }) => {
    await page.goto(`/console/users/${user.id}`);
    await logIn(page, "ines.admin");
    await page.getByRole("button", { name: "Erase user" }).waitFor();
    const token = await logInByApi(call, "ines.admin");
    const { id, secret } = await call("/v1/auth/factors/totp", { body: {}, token, status: 201 });
    await call("/v1/auth/factors/totp/confirm", { body: { id, code: codeOf(secret) }, token });
    await page.getByRole("button", { name: "Erase user" }).click();
    await page.getByLabel("Type “tilda.falk” to confirm.").fill("tilda.falk");
    await page.getByRole("dialog").getByRole("button", { name: "Erase user" }).click();
    const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
    await dialog.waitFor();
    await checkAccessibility();
    await dialog.getByLabel("How do you want to confirm?").selectOption("password");
    await dialog.getByLabel("Password").fill("wrong");
    await dialog.getByRole("button", { name: "Confirm" }).click();
    await dialog.getByText("The name or the password is wrong.").waitFor();
    await dialog.getByLabel("Password").fill(PASSWORD);
    await dialog.getByRole("button", { name: "Confirm" }).click();
    await dialog.getByText("One more proof is needed.").waitFor();
    await dialog.getByLabel("Code", { exact: true }).fill(codeOf(secret, 1));
    await dialog.getByRole("button", { name: "Confirm" }).click();
    await page.getByRole("heading", { level: 1, name: "Users" }).waitFor();
    await call(`/v1/users/${user.id}?deleted=true`, { method: "GET", token, status: 404 });
  });
}

// A moderator sees what a moderator may do, and nothing to change an administrator with.
async function moderate(browser: Browser, url: string, { call }: Place): Promise<void> {
  const plain = await register(call, "willi");
  await visit(
    browser,
    url,
    async ({ page, calls, checkAccessibility }) => {
      await page.goto(`/console/users/${plain.id}`);
      await logIn(page, "max.moderator");
      await page.getByLabel("First name").fill("Willi");
      await save(page);
      await saved(page);
      const links = page.getByRole("navigation", { name: "Sections of the user" });
      assert.deepEqual(await links.getByRole("link").allInnerTexts(), [
        "Account",
        "Profile",
        "Sessions",
      ]);
      for (const name of ["Email", "Role"])
        assert.equal(await page.getByLabel(name, { exact: true }).count(), 0);
      const buttons = await page.getByRole("main").getByRole("button").allInnerTexts();
      assert.deepEqual(buttons, ["Save", "Copy"]);
      await checkAccessibility();
      await assertFits(page);
      for (const name of ["Profile", "Sessions"]) {
        await section(page, name);
        await page.locator("[aria-busy=false]").first().waitFor();
        await checkAccessibility();
        await assertFits(page);
      }
      await page.getByRole("main").getByRole("link", { name: "Users" }).click();
      await page.getByRole("link", { name: "ida.admin" }).click();
      await page.getByText("This person has permissions that you do not have.").waitFor();
      assert.equal(await page.getByRole("button", { name: "Save" }).count(), 0);
      await checkAccessibility();
      assert.ok(!calls.includes("GET /v1/roles"), "who cannot read roles does not ask for them");
    },
    { width: 360, scheme: "dark" },
  );
}
