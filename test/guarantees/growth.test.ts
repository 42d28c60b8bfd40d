import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { getIsolate } from "../../src/context.ts";
import { MemoryCache } from "../../src/lib/memory-cache.ts";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { FIVE_MINUTES, HOURLY, MINUTELY, runCron } from "../support/cron.ts";
import { createTestUser, newEmail } from "../support/fixtures.ts";
import { createWatchedIsolate } from "../support/isolates.ts";
import { createMailbox, type Mailbox } from "../support/mail.ts";
import { fetchDocument, operationsOf } from "../support/openapi.ts";
import { findWalks } from "../support/plans.ts";
import { countRows } from "../support/rows.ts";
import { sampleRequest, UNKNOWN_TARGET } from "../support/samples.ts";

const DAY = 86_400_000;
/** Longer than anything of strangers is kept, AUDIT_ORIGIN_DAYS included. */
const LATER = 100 * DAY;
const SETTINGS = { EMAIL_LOGIN: "on", RATE_LIMIT_AUTH: "1000/60" };

const document = await fetchDocument();
// Whoever registers gets an account, which stays.
const open = operationsOf(document).filter(
  ({ access, documented }) => access.kind === "public" && documented.operationId !== "register",
);

/** Rows per job, day, alert or isolate, whatever strangers do. */
const OTHERS = /^(audit_seal|analytics_|job_leases|alerts|metric_|d1_migrations)/;

/** Calls everything that is open to everyone, with names that nobody has. */
async function actAsStrangers({ bindings }: Pick<Mailbox, "bindings">): Promise<void> {
  for (const operation of open) {
    const { path, ...sample } = sampleRequest(document, operation, UNKNOWN_TARGET, false);
    await send(path, { ...sample, bindings });
  }
  for (const ip of ["203.0.113.7", "198.51.100.7", "2001:db8::1"]) {
    const request = (path: string, body: object) => send(path, { body, bindings, ip });
    await request("/v1/auth/login", { email: newEmail(), password: "a wrong guess" });
    await request("/v1/auth/password/forgot", { email: newEmail() });
    await request("/v1/auth/email-login", { email: newEmail() });
  }
}

describe("what is stored of strangers", () => {
  it("leaves no row for ever", async () => {
    const { pass } = stopClock();
    const box = createMailbox(SETTINGS);
    await createTestUser("admin");
    await Promise.all([MINUTELY, FIVE_MINUTES, HOURLY].map((cron) => runCron(cron, box.bindings)));
    const before = await countRows(OTHERS);
    await actAsStrangers(box);
    expect(await countRows(OTHERS)).not.toEqual(before);
    pass(LATER);
    for (const cron of [MINUTELY, FIVE_MINUTES, HOURLY]) await runCron(cron, box.bindings);
    const after = await countRows(OTHERS);
    const grown = Object.keys(after).filter((name) => Number(after[name]) > Number(before[name]));
    expect(grown).toEqual([]);
  });

  it("leaves no KV key for ever", async () => {
    const isolate = createWatchedIsolate(SETTINGS);
    const limited = { ...isolate.bindings, RATE_LIMIT_AUTH: "20/60", RATE_LIMIT_READ: "20/60" };
    await actAsStrangers({ bindings: limited });
    expect(isolate.puts.length).toBeGreaterThan(0);
    for (const { key, ttlSeconds } of isolate.puts) {
      expect([key, ttlSeconds]).toEqual([key, expect.any(Number)]);
    }
  });

  it("keeps whatever an isolate's memory has within a limit: it never holds more than its limit", () => {
    const { memory } = getIsolate({ ...env });
    const { missingKeys, revocation, counts, ...caches } = memory;
    for (const [name, cache] of Object.entries(caches)) {
      expect([name, cache]).toEqual([name, expect.any(MemoryCache)]);
    }
    // One entry per key in DATA_KEYS and per declared series, and a single value.
    expect([missingKeys.size, typeof revocation.before]).toEqual([0, "number"]);
    expect(counts).toBeDefined();
  });
});

describe("a statement without an index", () => {
  it("is found in what a file has sent, as after every test file", async () => {
    await env.DB.batch([env.DB.prepare("SELECT id FROM users WHERE first_name = ?").bind("x")]);
    await env.DB.batch([env.DB.prepare("SELECT id FROM users WHERE id = ?").bind("x")]);
    const walks = await findWalks();
    expect(walks.join("\n")).toContain("WHERE first_name = ?");
    expect(walks.join("\n")).not.toContain("WHERE id = ?");
  });
});
