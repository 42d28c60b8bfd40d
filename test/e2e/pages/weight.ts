import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import type { DevServer } from "../server.ts";
import { logIn } from "./people.ts";
import { visit } from "./visit.ts";

const MAX_BYTES = 60_000;

/** All that the console loads until an administrator sees the list of users weighs less than 60 KB, compressed. */
export async function testWeight(browser: Browser, { url, admin }: DevServer): Promise<void> {
  await visit(browser, url, async ({ page }) => {
    const sizes: Promise<number>[] = [];
    page.on("response", (response) => {
      if (new URL(response.url()).pathname.startsWith("/v1/")) return;
      sizes.push(response.body().then((bytes) => gzipSync(bytes).length));
    });
    await page.goto("/console");
    await logIn(page, admin.username, admin.password);
    await page.getByRole("heading", { name: "Users", exact: true, level: 1 }).waitFor();
    await page.waitForLoadState("networkidle");
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    assert.ok(bytes > 5_000, `only ${bytes} bytes: the page loaded nothing`);
    assert.ok(bytes < MAX_BYTES, `the console loads ${bytes} bytes, compressed`);
    console.log(`The console loads ${bytes} bytes, compressed.`);
  });
}
