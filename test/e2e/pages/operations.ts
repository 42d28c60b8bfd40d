import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import type { DevServer } from "../server.ts";
import { createCall, createHolder, logIn, logInByApi, register } from "./people.ts";
import { assertFits } from "./users.ts";
import { visit } from "./visit.ts";

const JOBS = ["*/5+*+*+*+*", "*+*+*+*+*"];
const FAILURES = 10;

/** An administrator looks at how the service does, and someone who may read its metrics alone. */
export async function testOperations(browser: Browser, { url, admin }: DevServer): Promise<void> {
  const call = createCall(url);
  const token = await logInByApi(call, admin.username, admin.password);
  const { id } = await register(call, "olaf");
  for (let left = FAILURES; left > 0; left -= 1) {
    const body = { username: "olaf", password: "wrong-password" };
    await call("/v1/auth/login", { body, status: 401 });
  }
  for (const cron of JOBS) await fetch(`${url}/cdn-cgi/handler/scheduled?cron=${cron}`);
  await visit(
    browser,
    url,
    async ({ page, checkAccessibility }) => {
      await page.goto("/console/operations");
      await logIn(page, admin.username, admin.password);
      const health = page.getByRole("region", { name: "Health" });
      await health.getByText("The service is ready.").waitFor();
      await health.getByText("Database (D1)").waitFor();
      const people = page.getByRole("region", { name: "Users and sessions" });
      assert.match(await people.innerText(), /Active users\s+[1-9]/);
      const mail = page.getByRole("region", { name: "Mail outbox" });
      assert.match(await mail.innerText(), /Waiting\s+\d+/);
      const job = page.getByRole("row", { name: "measure_population" });
      assert.match(await job.innerText(), /ago\s+[1-9]\d*\s+0\s+Fine/);
      const requests = page.getByRole("row", { name: /^Requests/ });
      assert.match(await requests.innerText(), /Requests\s+[\d,]+\s+0\s+–/);
      await page.getByRole("row", { name: "Over the rate limit for reading" }).waitFor();
      const lockOut = page.getByRole("row", { name: "olaf" });
      assert.match(
        (await lockOut.getByRole("link").getAttribute("href")) ?? "",
        new RegExp(`/console/users/${id}$`),
      );
      await checkAccessibility();
      await Promise.all([
        page.waitForResponse("**/metrics"),
        page.getByRole("button", { name: "Refresh" }).click(),
      ]);
      // Compared with the first reading, some time has passed.
      await requests.getByText("–").waitFor({ state: "detached" });
      await page.route("**/ready", (route) => route.fulfill({ status: 503, json: NOT_READY }));
      await page.getByRole("button", { name: "Refresh" }).click();
      await health.getByText("The service is not ready.").waitFor();
      await health.getByText("KV does not respond.").waitFor();
      await checkAccessibility();
    },
    { isUnready: true },
  );
  await createHolder(call, token, { username: "mia.metrics", permissions: ["metrics:read"] });
  await visit(
    browser,
    url,
    async ({ page, calls, checkAccessibility }) => {
      await page.goto("/console");
      await logIn(page, "mia.metrics");
      await page.getByRole("heading", { name: "Operations", level: 1 }).waitFor();
      await page.getByText("The service is ready.").waitFor();
      assert.equal(await page.getByText("Latest lock-outs").count(), 0);
      assert.ok(!calls.some((path) => path.includes("audit-events")));
      await checkAccessibility();
      await assertFits(page);
    },
    { width: 360, scheme: "dark" },
  );
}

const NOT_READY = {
  type: "about:blank",
  title: "Service unavailable",
  status: 503,
  detail: "The service is not ready.",
  code: "service_unavailable",
  checks: {
    d1: { status: "ok", duration_ms: 1.2 },
    kv: { status: "failed", detail: "KV does not respond." },
    mail: { status: "ok" },
    data_keys: { status: "ok" },
  },
};
