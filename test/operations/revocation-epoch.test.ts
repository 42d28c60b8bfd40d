import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { MINUTELY, runCron } from "../support/cron.ts";
import { createTestUser, type TestUser } from "../support/fixtures.ts";
import { createColdIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";

const MINUTE = 60_000;

const store = (value: unknown) => env.KV.put("revoked_before", JSON.stringify(value));
const iso = (time: number) => new Date(time).toISOString();

beforeEach(() => env.KV.delete("revoked_before"));

const readMe = (user: TestUser, bindings: Cloudflare.Env) =>
  send("/v1/users/me", { token: user.token, bindings });

/** A cold isolate whose KV fails while `isDown` is set. */
function createFragileIsolate(settings: Record<string, string> = {}) {
  const kv = { isDown: false };
  const KV = {
    get: (key: string, options: KVNamespaceGetOptions<"json">) => {
      if (kv.isDown) throw new Error("KV GET failed: 500 Internal Server Error");
      return env.KV.get(key, options);
    },
    put: env.KV.put.bind(env.KV),
  } as unknown as KVNamespace;
  return { kv, bindings: { ...createColdIsolate(settings), KV } };
}

describe("the revocation epoch in KV", () => {
  it("is read once per minute and isolate, for one KV read more", async () => {
    const clock = stopClock();
    const user = await createTestUser();
    const bindings = createColdIsolate();
    const reads: number[] = [];
    for (const seconds of [0, 30, 29, 1, 59, 1]) {
      clock.pass(seconds * 1000);
      reads.push(costOf(await readMe(user, bindings)).kvReads);
    }
    expect(reads).toEqual([1, 0, 0, 1, 0, 1]);
  });

  it("takes effect in a warm isolate within a minute", async () => {
    const clock = stopClock();
    const user = await createTestUser();
    const bindings = createColdIsolate();
    clock.pass(1000);
    expect((await readMe(user, bindings)).status).toBe(200);
    await store(iso(Date.now()));
    clock.pass(MINUTE);
    expect((await readMe(user, bindings)).status).toBe(401);
  });

  it("does not replace a later REVOKED_BEFORE, nor the other way round", async () => {
    const clock = stopClock();
    const user = await createTestUser();
    const begun = Date.now();
    clock.pass(MINUTE);
    await store(iso(begun - 1));
    const status = async (REVOKED_BEFORE: string) =>
      (await readMe(user, createColdIsolate({ REVOKED_BEFORE }))).status;
    expect([await status(iso(begun - 1)), await status(iso(begun + 1000))]).toEqual([200, 401]);
    await store(iso(begun + 1000));
    expect(await status(iso(begun - 1))).toBe(401);
  });

  it("is not exceeded by what begins at that very time", async () => {
    const clock = stopClock();
    clock.pass(500);
    const user = await createTestUser();
    await store(iso(Date.now()));
    expect((await readMe(user, createColdIsolate())).status).toBe(200);
    await store(iso(Date.now() + 1));
    clock.pass(1);
    expect((await readMe(user, createColdIsolate())).status).toBe(401);
  });

  it("counts on as it is known while KV fails, and is read again five seconds later", async () => {
    const clock = stopClock();
    const user = await createTestUser();
    clock.pass(1000);
    await store(iso(Date.now()));
    const { kv, bindings } = createFragileIsolate();
    expect((await readMe(user, bindings)).status).toBe(401);
    kv.isDown = true;
    clock.pass(MINUTE);
    const logs = captureLogs();
    expect((await readMe(user, bindings)).status).toBe(401);
    expect(logs.of("revocation.read_failed")).toMatchObject([{ level: "error" }]);
    kv.isDown = false;
    await env.KV.delete("revoked_before");
    clock.pass(4999);
    expect((await readMe(user, bindings)).status).toBe(401);
    clock.pass(1);
    expect((await readMe(user, bindings)).status).toBe(200);
  });

  it("does not keep a new isolate from serving while KV fails: REVOKED_BEFORE counts", async () => {
    const clock = stopClock();
    const user = await createTestUser();
    const begun = Date.now();
    clock.pass(MINUTE);
    const status = async (time: number) => {
      const { kv, bindings } = createFragileIsolate({ REVOKED_BEFORE: iso(time) });
      kv.isDown = true;
      return (await readMe(user, bindings)).status;
    };
    expect([await status(begun), await status(begun + 1000)]).toEqual([200, 401]);
  });

  it.each(["yesterday", 5, true, {}])("%j is reported, and what is known counts", async (value) => {
    const user = await createTestUser();
    await store(value);
    const logs = captureLogs();
    expect((await readMe(user, createColdIsolate())).status).toBe(200);
    expect(logs.of("revocation.read_failed")).toMatchObject([{ error: "TypeError" }]);
  });

  it("does not count before its time", async () => {
    const clock = stopClock();
    const user = await createTestUser();
    await store(iso(Date.now() + 2000));
    const bindings = createColdIsolate();
    expect((await readMe(user, bindings)).status).toBe(200);
    clock.pass(2000);
    expect((await readMe(user, bindings)).status).toBe(401);
  });

  it("is read by a scheduled run, which continues if KV fails", async () => {
    const { kv, bindings } = createFragileIsolate();
    kv.isDown = true;
    const logs = captureLogs();
    await runCron(MINUTELY, bindings);
    expect(logs.of("revocation.read_failed")).toHaveLength(1);
    expect(logs.of("cron.job")).toContainEqual(expect.objectContaining({ job: "deliver_mail" }));
  });
});

describe("REVOKED_BEFORE", () => {
  it.each(["", "yesterday", "2026-11-22", "2026-11-22T08:00:00", "1763798400000"])(
    "%j is refused",
    async (REVOKED_BEFORE) => {
      const answer = await send("/ready", { bindings: createColdIsolate({ REVOKED_BEFORE }) });
      expectProblem(answer, 503, "misconfigured");
      expect(answer.body.checks.config.detail).toContain("REVOKED_BEFORE: must be a time");
    },
  );

  it("is refused if it is in the future, which would void everything", async () => {
    const bindings = createColdIsolate({ REVOKED_BEFORE: iso(Date.now() + MINUTE) });
    const answer = await send("/ready", { bindings });
    expect(answer.body.checks.config.detail).toContain("REVOKED_BEFORE: must not be in the future");
  });

  it("may have the offset of a time zone", async () => {
    const bindings = createColdIsolate({ REVOKED_BEFORE: "2026-01-01T08:00:00+02:00" });
    expect((await send("/ready", { bindings })).status).toBe(200);
  });

  it("costs nothing", async () => {
    const user = await createTestUser();
    const bindings = createColdIsolate({ REVOKED_BEFORE: "2026-01-01T00:00:00Z" });
    await readMe(user, bindings);
    expect(costOf(await readMe(user, bindings))).toMatchObject({ queries: 1, kvReads: 0 });
  });
});
