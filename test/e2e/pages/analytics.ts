import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import type { DevServer } from "../server.ts";
import { createCall, createHolder, logIn, logInByApi, register } from "./people.ts";
import { assertFits } from "./users.ts";
import { type Visit, visit } from "./visit.ts";

/** An analyst reads the numbers, with and without charts. A moderator has no such section. */
export async function testAnalytics(browser: Browser, { url, admin }: DevServer): Promise<void> {
  const call = createCall(url);
  const token = await logInByApi(call, admin.username, admin.password);
  await createHolder(call, token, { username: "ann.analyst", permissions: ["analytics:read"] });
  for (const name of ["nele", "nils"]) {
    await register(call, name);
    await logInByApi(call, name);
  }
  const read = (path: string) => call(`/v1/analytics/${path}`, { method: "GET", token });
  await visit(browser, url, async (visited) => {
    const { page, checkAccessibility } = visited;
    await page.goto("/console");
    await logIn(page, "ann.analyst");
    await page.getByRole("heading", { name: "Analytics", level: 1 }).waitFor();
    assert.deepEqual(await page.getByRole("navigation").getByRole("link").allInnerTexts(), [
      "Analytics",
    ]);
    await readFigures(page, await read("summary"));
    await checkAccessibility();
    const today = (await read("daily")).data.at(-1);
    await readCharts(page, today);
    await readTable(visited, today);
    await choosePeriod(visited);
  });
  await visit(
    browser,
    url,
    async ({ page, checkAccessibility }) => {
      await page.goto("/console/analytics?days=365");
      await logIn(page, "ann.analyst");
      await page.getByRole("img").nth(2).waitFor();
      const [cohort] = (await read("retention")).data.slice(-1);
      const row = page.getByRole("table", { name: "Retention" }).getByRole("row").last();
      assert.match(await row.innerText(), new RegExp(`\\s${cohort.size}\\s+100%$`));
      await checkAccessibility();
      await assertFits(page);
    },
    { width: 360, scheme: "dark" },
  );
}

async function readFigures(page: Page, { users, active_users }: any): Promise<void> {
  const figures = page.getByRole("region", { name: "Now" });
  await figures.getByText("People active today").waitFor();
  const text = await figures.innerText();
  for (const [name, count] of [
    ["Users", users.total],
    ["With a second factor", users.with_mfa],
    ["People active today", active_users.day],
  ])
    assert.match(text, new RegExp(`^${name}\\s+${count.toLocaleString("en")}$`, "m"), text);
}

/** Charts say in words what they show. */
async function readCharts(page: Page, today: any): Promise<void> {
  const charts = page.getByRole("img");
  await charts.nth(2).waitFor();
  assert.equal(await charts.count(), 3);
  const names = await charts.evaluateAll((images) =>
    images.map((image) => image.getAttribute("aria-label") ?? ""),
  );
  assert.match(names[0] ?? "", new RegExp(`Active people: at most ${today.active_users} on `));
  assert.match(names[1] ?? "", new RegExp(`Logins: ${today.logins} in total.*Failed logins: `));
  assert.match(names[2] ?? "", new RegExp(`Registrations: ${today.registrations} in total`));
  // Each line has its name at its end, and its own dashes and markers.
  const logins = charts.nth(1);
  await logins.getByText("Failed logins", { exact: true }).waitFor();
  const dashes = await logins
    .locator("polyline")
    .evaluateAll((lines) => lines.map((line) => getComputedStyle(line).strokeDasharray));
  assert.notEqual(dashes[0], dashes[1]);
  assert.equal(await logins.locator("circle").count(), 30);
  assert.equal(await logins.locator("rect").count(), 30);
}

async function readTable({ page, checkAccessibility }: Visit, today: any): Promise<void> {
  await page.getByRole("switch", { name: "Show as table" }).check();
  const table = page.getByRole("table", { name: "Per day" });
  const rows = table.getByRole("row");
  await table.waitFor();
  assert.equal(await rows.count(), 31);
  const { active_users, logins, failed_logins, registrations, deletions } = today;
  assert.deepEqual(
    await rows.nth(1).getByRole("cell").allInnerTexts(),
    [active_users, logins, failed_logins, registrations, deletions].map(String),
  );
  assert.equal(await page.getByRole("img").count(), 0);
  await checkAccessibility();
}

async function choosePeriod({ page, checkAccessibility }: Visit): Promise<void> {
  const rows = page.getByRole("table", { name: "Per day" }).getByRole("row");
  await page.getByLabel("Period", { exact: true }).selectOption("90");
  await page.waitForURL("**/console/analytics?days=90");
  await rows.nth(90).waitFor();
  await page.getByLabel("Period", { exact: true }).selectOption("custom");
  await page.getByLabel("From", { exact: true }).fill("2026-01-05");
  await page.getByLabel("To", { exact: true }).fill("2026-01-11");
  await checkAccessibility();
  await page.getByRole("button", { name: "Apply" }).click();
  await page.waitForURL("**/console/analytics?from=2026-01-05&to=2026-01-11");
  await rows.nth(8).waitFor({ state: "detached" });
  assert.equal(await rows.count(), 8);
  await page.getByText("Nobody registered in this period.").waitFor();
  // More than a year is refused, with the reason.
  await page.getByLabel("From", { exact: true }).fill("2024-01-05");
  await page.getByRole("button", { name: "Apply" }).click();
  await page.getByText("Must select at most 366 days.").first().waitFor();
}
