import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import { literals, makeChanges } from "../../../scripts/lib/database.ts";
import { firstIdAt } from "../../../src/lib/ids.ts";
import { DAY } from "../../../src/lib/time.ts";
import type { DevServer } from "../server.ts";
import { type Call, createCall, createHolder, logIn, logInByApi, register } from "./people.ts";
import { assertFits, readDownload } from "./users.ts";
import { type Visit, visit } from "./visit.ts";

const HOURLY = "/cdn-cgi/handler/scheduled?cron=17+*+*+*+*";
const CHANGES = 30;

/** An administrator reads the audit trail, and someone who may do nothing else. */
export async function testAudit(browser: Browser, server: DevServer): Promise<void> {
  const { url, admin } = server;
  const call = createCall(url);
  const token = await logInByApi(call, admin.username, admin.password);
  const erin = await register(call, "erin");
  const wrong = { password: "wrong-password" };
  await call("/v1/auth/login", { body: { username: "erin", ...wrong }, status: 401 });
  await call("/v1/auth/login", { body: { username: "nobody.knows", ...wrong }, status: 401 });
  await rename(call, token, erin.id, CHANGES);
  await sealDay(server);
  await visit(browser, url, async (visited) => {
    const { page, checkAccessibility } = visited;
    await page.goto("/console/audit");
    await logIn(page, admin.username, admin.password);
    await readEvents(visited, erin.id);
    await checkAccessibility();
    await exportEvents(visited, erin.id);
    await walk(visited);
    await watch(visited, () => rename(call, token, erin.id, 1));
    await readOthers(visited);
  });
  await createHolder(call, token, { username: "abe.auditor", permissions: ["audit:read"] });
  await visit(
    browser,
    url,
    async ({ page, calls, checkAccessibility }) => {
      await page.goto(`/console/audit?target_id=${erin.id}`);
      await logIn(page, "abe.auditor");
      const events = page.getByRole("list", { name: "Events, newest first" });
      await events.getByText("Account changed").first().click();
      await page.getByText("Only this target").first().waitFor();
      // Names and the pages of users need users:read.
      assert.equal(await page.locator("a[href*='/console/users']").count(), 0);
      assert.ok(!calls.some((path) => path.startsWith("GET /v1/users")));
      assert.equal(await page.getByRole("button", { name: "Export as NDJSON" }).count(), 0);
      const sections = page.getByRole("navigation", { name: "Main" }).getByRole("link");
      assert.deepEqual(await sections.allInnerTexts(), ["Audit"]);
      await checkAccessibility();
      await assertFits(page);
    },
    { width: 360, scheme: "dark" },
  );
}

let renames = 0;

async function rename(call: Call, token: string, id: string, times: number): Promise<void> {
  for (let left = times; left > 0; left -= 1) {
    renames += 1;
    const body = { first_name: `Erin ${renames}` };
    await call(`/v1/users/${id}`, { method: "PATCH", body, token });
  }
}

/** Has the day before yesterday sealed, with one event. */
async function sealDay({ url, database }: DevServer): Promise<void> {
  const at = Date.now() - 2 * DAY;
  const row = [firstIdAt(at), "user.updated", "system", null, "user", "someone", at] as const;
  const columns = "id, action, actor_type, actor_id, target_type, target_id, created_at";
  await makeChanges(database, [
    `INSERT INTO audit_events (${columns}) VALUES (${literals(...row)})`,
  ]);
  assert.equal((await fetch(url + HOURLY)).status, 200);
}

async function readEvents({ page }: Visit, id: string): Promise<void> {
  const events = page.getByRole("list", { name: "Events, newest first" });
  const line = events.getByRole("listitem").filter({ hasText: `Erin ${CHANGES - 1} → ` });
  await line.getByText("by you, concerning erin").waitFor();
  await line.getByText(`First name: Erin ${CHANGES - 1} →to Erin ${CHANGES}`).waitFor();
  await line.locator("summary").click();
  await line.getByText("user.updated").waitFor();
  await line.getByRole("link", { name: "Only this target" }).click();
  await page.waitForURL(`**/console/audit?target_id=${id}`);
  // The filters are open, because one is set.
  await page.getByLabel("Action", { exact: true }).selectOption("auth.login_failed");
  await page.getByRole("button", { name: "Apply filters" }).click();
  await page.waitForURL(`**/console/audit?*action=auth.login_failed*`);
  await line.waitFor({ state: "detached" });
  await events.getByText("Login failed concerning erin").waitFor();
  assert.equal(await events.getByRole("listitem").count(), 1);
  await page.getByLabel("Before").fill("2020-01-01T00:00");
  await page.getByRole("button", { name: "Apply filters" }).click();
  await page.getByText("No events match.").waitFor();
  await page.getByLabel("Target id").fill("x".repeat(100));
  await page.getByRole("button", { name: "Clear filters" }).click();
  await line.first().waitFor();
  assert.equal(new URL(page.url()).search, "");
}

async function exportEvents({ page }: Visit, id: string): Promise<void> {
  await page.getByText("Filters", { exact: true }).click();
  await page.getByLabel("Target id").fill(id);
  await page.getByLabel("Action", { exact: true }).selectOption("user.updated");
  await page.getByRole("button", { name: "Apply filters" }).click();
  await page.getByRole("button", { name: "Next page" }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export as NDJSON" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "audit-events.ndjson");
  const lines = (await readDownload(download)).trimEnd().split("\n");
  assert.equal(lines.length, CHANGES);
  for (const line of lines) assert.equal(JSON.parse(line).target_id, id);
  await page.getByText(/^Exported .* MB\.$/).waitFor();
}

/** To the second page of the filtered list, and back. */
async function walk({ page }: Visit): Promise<void> {
  const items = page.getByRole("list", { name: "Events, newest first" }).getByRole("listitem");
  assert.equal(await items.count(), 25);
  await page.getByRole("button", { name: "Next page" }).click();
  await items.getByText("First name: Erin 5 →to Erin 6").waitFor({ state: "detached" });
  await items.getByText("First name: Erin 1", { exact: true }).waitFor();
  assert.equal(await items.count(), CHANGES - 25);
  // There, nothing new can appear.
  assert.equal(await page.getByRole("switch", { name: "Live" }).count(), 0);
  await page.getByRole("button", { name: "Previous page" }).click();
  await items.getByText(`→to Erin ${CHANGES}`).waitFor();
}

/** New events appear while the live view is on. It stops when the service refuses. */
async function watch({ page }: Visit, act: () => Promise<void>): Promise<void> {
  const live = page.getByRole("switch", { name: "Live" });
  const items = page.getByRole("list", { name: "Events, newest first" }).getByRole("listitem");
  await live.check();
  await act();
  await items
    .first()
    .getByText(`→to Erin ${CHANGES + 1}`)
    .waitFor();
  await page.getByRole("status").getByText("1 new event").waitFor();
  assert.equal(await items.count(), 26);
  const problem = { title: "", detail: "", code: "rate_limited", status: 429 };
  await page.route("**/v1/audit-events?*", (route) =>
    route.fulfill({ status: 429, json: problem }),
  );
  await page.getByText("Live view has stopped.").waitFor();
  await page.getByText("Too many requests.").waitFor();
  assert.equal(await live.isChecked(), false);
  assert.equal(await items.count(), 26);
  await page.unroute("**/v1/audit-events?*");
}

async function readOthers({ page, checkAccessibility }: Visit): Promise<void> {
  await page.getByRole("link", { name: "Refused and unknown" }).click();
  await page.getByRole("row", { name: "Login failed, unknown name" }).first().waitFor();
  await checkAccessibility();
  await page.getByRole("link", { name: "Seals" }).click();
  const seals = page.getByRole("list", { name: "Seals" });
  const day = new Date(Date.now() - 2 * DAY).toISOString().slice(0, 10);
  const seal = seals.getByRole("listitem").filter({ hasText: `${day} 1 event` });
  await seal.locator("summary").click();
  await seal.getByText("Signature").waitFor();
  await checkAccessibility();
}
