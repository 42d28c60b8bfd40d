import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import type { DevServer } from "../server.ts";
import { createCall, logIn, logInByApi, PASSWORD, register } from "./people.ts";
import { visit } from "./visit.ts";

/** An administrator, a moderator and a plain user open the console. */
export async function testConsole(browser: Browser, { url, admin }: DevServer): Promise<void> {
  const call = createCall(url);
  await register(call, "plain");
  const token = await logInByApi(call, admin.username, admin.password);
  const moderator = { username: "mod", email: "mod@example.com", password: PASSWORD };
  await call("/v1/users", { body: { ...moderator, role: "moderator" }, token, status: 201 });
  await visit(browser, url, async ({ page, checkAccessibility }) => {
    await page.goto("/console");
    await checkAccessibility();
    await logIn(page, admin.username, admin.password);
    for (const name of ["Users", "Roles", "Audit", "Operations", "Analytics"]) {
      await page.getByRole("link", { name, exact: true }).click();
      await page.getByRole("heading", { name, exact: true, level: 1 }).waitFor();
      await checkAccessibility();
    }
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("button", { name: "Log in", exact: true }).waitFor();
  });
  await visit(browser, url, async ({ page, checkAccessibility }) => {
    await page.goto("/console");
    await logIn(page, "mod");
    await page.getByRole("heading", { name: "Users", level: 1 }).waitFor();
    const sections = page.getByRole("navigation", { name: "Main navigation" }).getByRole("link");
    assert.deepEqual(await sections.allInnerTexts(), ["Users"], "what a moderator is offered");
    await checkAccessibility();
  });
  await visit(browser, url, async ({ page, checkAccessibility }) => {
    await page.goto("/console");
    await logIn(page, "plain");
    await page.getByText("This page is for administrators").waitFor();
    await checkAccessibility();
  });
}
