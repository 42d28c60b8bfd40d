import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { FIVE_MINUTES, MINUTELY, runCron } from "../support/cron.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createStaleKv } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { readMetrics } from "../support/metrics.ts";
import { createReceiver, WEBHOOK } from "../support/webhook.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

let clock: ReturnType<typeof stopClock>;
let receiver: ReturnType<typeof createReceiver>;

beforeEach(async () => {
  clock = stopClock();
  receiver = createReceiver();
  for (const table of ["alerts", "alert_notices", "measurements", "metric_counters", "job_leases"])
    await sqlRun(`DELETE FROM ${table}`);
  await sqlRun("DELETE FROM mail_outbox");
  // Nothing can be said without a window before.
  await passFiveMinutes();
});

/** Lets five minutes pass, evaluates the alerts, and delivers the notices. Returns the alerts that were posted. */
async function passFiveMinutes(bindings: Cloudflare.Env = receiver.bindings): Promise<string[]> {
  clock.pass(5 * MINUTE);
  await runCron(FIVE_MINUTES, bindings);
  await runCron(MINUTELY, bindings);
  return receiver.take();
}

/** Adds to a counter, as isolates do. */
const count = (series: readonly string[], by: number) =>
  sqlRun(
    "INSERT INTO metric_counters VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
    JSON.stringify(series),
    by,
  );

const answer = (status: number, by: number) =>
  count(["roster_http_requests_total", "/v1/users", "GET", String(status)], by);

const take = (le: string, by: number) =>
  count(["roster_http_request_duration_seconds_bucket", "/v1/users", le], by);

const failLogins = (by: number) => count(["roster_logins_total", "invalid_credentials"], by);

describe("the alert", () => {
  it("error_rate fires above 1 % of requests, and resolves", async () => {
    await answer(200, 990);
    await answer(500, 10);
    expect(await passFiveMinutes()).toEqual([]);
    await answer(404, 989);
    await answer(503, 11);
    expect(await passFiveMinutes()).toEqual(["error_rate alert.firing"]);
    await answer(500, 50);
    expect(await passFiveMinutes()).toEqual([]);
    await answer(200, 1);
    expect(await passFiveMinutes()).toEqual(["error_rate alert.resolved"]);
    expect(await passFiveMinutes()).toEqual([]);
    await answer(500, 50);
    expect(await passFiveMinutes()).toEqual(["error_rate alert.firing"]);
  });

  it("error_rate needs more than one error", async () => {
    await answer(500, 1);
    expect(await passFiveMinutes()).toEqual([]);
    await answer(500, 2);
    expect(await passFiveMinutes()).toEqual(["error_rate alert.firing"]);
  });

  it("slow_requests fires if the 95th percentile is above 500 ms", async () => {
    await take("0.5", 95);
    await take("1", 5);
    await answer(200, 100);
    expect(await passFiveMinutes()).toEqual([]);
    await take("0.005", 94);
    await take("+Inf", 6);
    await answer(200, 100);
    expect(await passFiveMinutes()).toEqual(["slow_requests alert.firing"]);
    expect(await passFiveMinutes()).toEqual(["slow_requests alert.resolved"]);
  });

  it("slow_requests needs 20 requests", async () => {
    await take("1", 19);
    await answer(200, 19);
    expect(await passFiveMinutes()).toEqual([]);
    await take("1", 20);
    await answer(200, 20);
    expect(await passFiveMinutes()).toEqual(["slow_requests alert.firing"]);
  });

  it("mail_outbox_old fires if an email has waited for more than ten minutes", async () => {
    const { id } = await createTestUser();
    await sqlRun("DELETE FROM mail_outbox");
    const insert =
      "INSERT INTO mail_outbox (id, user_id, kind, address, created_at, next_attempt_at) VALUES ('m', ?, 'verify_email', 'a@b.example', ?, ?)";
    await sqlRun(insert, id, Date.now() - 5 * MINUTE, Date.now() + 30 * MINUTE);
    expect(await passFiveMinutes()).toEqual([]);
    expect(await passFiveMinutes()).toEqual(["mail_outbox_old alert.firing"]);
    await sqlRun("UPDATE mail_outbox SET sent_at = 1");
    expect(await passFiveMinutes()).toEqual(["mail_outbox_old alert.resolved"]);
  });

  it("job_overdue fires if a job has not succeeded in time, and names it", async () => {
    const known = "INSERT INTO job_leases (name, leased_until, last_success_at) VALUES (?, 0, ?)";
    await sqlRun(known, "delete_old_mail", Date.now() + 5 * MINUTE - 180 * MINUTE);
    await sqlRun(known, "a_job_of_another_version", 1);
    expect(await passFiveMinutes()).toEqual([]);
    clock.pass(5 * MINUTE);
    await runCron(FIVE_MINUTES, receiver.bindings);
    await runCron(MINUTELY, receiver.bindings);
    expect(receiver.posts[0]?.body.data.summary).toContain("delete_old_mail");
    expect(receiver.take()).toEqual(["job_overdue alert.firing"]);
    await sqlRun("UPDATE job_leases SET last_success_at = ?", Date.now());
    expect(await passFiveMinutes()).toEqual(["job_overdue alert.resolved"]);
  });

  it("job_overdue fires for a job that has never succeeded", async () => {
    const insert = "INSERT INTO job_leases (name, leased_until, created_at) VALUES (?, 0, ?)";
    await sqlRun(insert, "delete_old_mail", Date.now() - 180 * MINUTE);
    expect(await passFiveMinutes()).toEqual(["job_overdue alert.firing"]);
  });

  it("kv_unready fires if KV does not respond, also in /metrics", async () => {
    const broken = { ...receiver.bindings, KV: faultyBindings({ kvGet: always }).KV };
    const shown = async () => (await readMetrics()).get('roster_alert_firing{alert="kv_unready"}');
    expect(await shown()).toBeUndefined();
    expect(await passFiveMinutes(broken)).toEqual(["kv_unready alert.firing"]);
    expect(await shown()).toBe(1);
    expect(await passFiveMinutes(broken)).toEqual([]);
    expect(await passFiveMinutes()).toEqual(["kv_unready alert.resolved"]);
    expect(await shown()).toBe(0);
  });

  it("d1_unready fires if D1 does not respond, and is posted once", async () => {
    const broken = { ...receiver.bindings, DB: faultyBindings({ d1: always }).DB };
    expect(await passFiveMinutes(broken)).toEqual(["d1_unready alert.firing"]);
    expect(await passFiveMinutes(broken)).toEqual([]);
    // The jobs of every minute have not succeeded meanwhile.
    expect(await passFiveMinutes()).toEqual([
      "d1_unready alert.resolved",
      "job_overdue alert.firing",
    ]);
    expect(await passFiveMinutes()).toEqual(["job_overdue alert.resolved"]);
    expect(await passFiveMinutes()).toEqual([]);
  });

  it("d1_unready is posted again with the same id until it is accepted", async () => {
    const broken = { ...receiver.bindings, DB: faultyBindings({ d1: always }).DB };
    receiver.respond = async () => new Response(null, { status: 500 });
    clock.pass(5 * MINUTE);
    await runCron(FIVE_MINUTES, broken);
    receiver.respond = async () => new Response(null, { status: 200 });
    await runCron(FIVE_MINUTES, broken);
    await runCron(FIVE_MINUTES, broken);
    expect(receiver.posts).toHaveLength(2);
    expect(receiver.posts[1]?.id).toBe(receiver.posts[0]?.id);
  });

  it("d1_unready is posted even if KV fails, too", async () => {
    const broken = { ...faultyBindings({ d1: always, kvGet: always, kvPut: always }), ...WEBHOOK };
    const logs = captureLogs();
    expect(await passFiveMinutes(broken as Cloudflare.Env)).toContain("d1_unready alert.firing");
    expect(logs.of("alert.state_failed")).not.toEqual([]);
  });

  it("login_failures fires above ten times the usual", async () => {
    for (let i = 0; i < 4; i += 1) {
      await failLogins(3);
      expect(await passFiveMinutes()).toEqual([]);
    }
    await failLogins(30);
    expect(await passFiveMinutes()).toEqual([]);
    // The average is now 8.4.
    await failLogins(85);
    expect(await passFiveMinutes()).toEqual(["login_failures alert.firing"]);
    // An attack does not become the usual.
    await failLogins(85);
    expect(await passFiveMinutes()).toEqual([]);
    await failLogins(84);
    expect(await passFiveMinutes()).toEqual(["login_failures alert.resolved"]);
  });

  it("login_failures resolves after a day, which then is the usual", async () => {
    await failLogins(1);
    await passFiveMinutes();
    await failLogins(30);
    expect(await passFiveMinutes()).toEqual(["login_failures alert.firing"]);
    const unusual = JSON.stringify(Array.from({ length: 286 }, () => 30));
    await sqlRun(
      "UPDATE measurements SET value = json_set(value, '$.unusual', json(?)) WHERE name = 'alert_window'",
      unusual,
    );
    await failLogins(30);
    expect(await passFiveMinutes()).toEqual([]);
    await failLogins(30);
    expect(await passFiveMinutes()).toEqual([]);
    await failLogins(30);
    expect(await passFiveMinutes()).toEqual(["login_failures alert.resolved"]);
  });

  it("login_failures counts wrong codes of a second factor", async () => {
    await count(["roster_logins_total", "invalid_code"], 11);
    await count(["roster_logins_total", "too_many_attempts"], 10);
    await count(["roster_logins_total", "mfa_required"], 1000);
    expect(await passFiveMinutes()).toEqual(["login_failures alert.firing"]);
  });

  it("login_failures does not fire for a few failures in a quiet service", async () => {
    await failLogins(20);
    expect(await passFiveMinutes()).toEqual([]);
  });

  it("does not change for what an outage of the jobs or a restored database hides", async () => {
    await answer(500, 100);
    expect(await passFiveMinutes()).toEqual(["error_rate alert.firing"]);
    clock.pass(60 * MINUTE);
    await answer(200, 1000);
    await sqlRun("UPDATE job_leases SET last_success_at = ?", Date.now());
    expect(await passFiveMinutes()).toEqual([]);
    await sqlRun("UPDATE metric_counters SET value = 1");
    expect(await passFiveMinutes()).toEqual(["error_rate alert.resolved"]);
  });
});

describe("runs", () => {
  it("at the same time post a change once", async () => {
    await answer(500, 100);
    clock.pass(5 * MINUTE);
    await Promise.all([1, 2, 3].map(() => runCron(FIVE_MINUTES, receiver.bindings)));
    await Promise.all([1, 2, 3].map(() => runCron(MINUTELY, receiver.bindings)));
    expect(receiver.take()).toEqual(["error_rate alert.firing"]);
  });

  it("that do not know of each other post an outage of D1 with one id", async () => {
    const { DB } = faultyBindings({ d1: always });
    const broken = { ...receiver.bindings, DB, KV: createStaleKv(9) };
    await runCron(FIVE_MINUTES, broken);
    await runCron(FIVE_MINUTES, broken);
    expect(receiver.posts).toHaveLength(2);
    expect(new Set(receiver.posts.map(({ id }) => id)).size).toBe(1);
  });

  it("that follow each other at once leave nothing out", async () => {
    await answer(500, 100);
    clock.pass(MINUTE / 2);
    await runCron(FIVE_MINUTES, receiver.bindings);
    expect(await passFiveMinutes()).toEqual(["error_rate alert.firing"]);
  });
});

describe("a notice", () => {
  const fire = async () => {
    await answer(500, 100);
    clock.pass(5 * MINUTE);
    await runCron(FIVE_MINUTES, receiver.bindings);
  };

  it("says what happened, without following redirects", async () => {
    await fire();
    await runCron(MINUTELY, receiver.bindings);
    const [post] = receiver.posts;
    expect(post?.body).toEqual({
      type: "alert.firing",
      timestamp: new Date().toISOString(),
      data: {
        service: "https://roster.test",
        alert: "error_rate",
        summary: "100 of 100 requests in five minutes were answered with a status of 500 or above.",
        value: 1,
        threshold: 0.01,
        runbook: "docs/operations/alerts.md#error_rate",
      },
    });
    expect(post?.init).toMatchObject({ method: "POST", redirect: "manual" });
    expect(post?.init.signal).toBeInstanceOf(AbortSignal);
  });

  it("has the trace of the job that posts it", async () => {
    await fire();
    const logs = captureLogs();
    await runCron(MINUTELY, receiver.bindings);
    const run = logs.of("cron.job").find(({ job }) => job === "deliver_alert_notices");
    const headers = new Headers(receiver.posts[0]?.init.headers);
    expect(headers.get("traceparent")).toBe(`00-${run?.trace_id}-${run?.span_id}-03`);
    expect(headers.get("X-Request-Id")).toBe(run?.request_id);
  });

  it.each([
    ["an error", async () => new Response("no", { status: 500 })],
    ["a refusal", async () => new Response(null, { status: 410 })],
    [
      "a redirect",
      async () => new Response(null, { status: 307, headers: { Location: "https://x.example" } }),
    ],
    ["no answer", async () => Promise.reject(new DOMException("late", "TimeoutError"))],
  ])(
    "is posted every minute with the same id after %s, until it is accepted",
    async (_, respond) => {
      const logs = captureLogs();
      await fire();
      receiver.respond = respond;
      for (let i = 0; i < 3; i += 1) {
        await runCron(MINUTELY, receiver.bindings);
        clock.pass(MINUTE);
      }
      receiver.respond = async () => new Response(null, { status: 202 });
      for (let i = 0; i < 3; i += 1) await runCron(MINUTELY, receiver.bindings);
      expect(receiver.posts).toHaveLength(4);
      expect(new Set(receiver.posts.map(({ id }) => id)).size).toBe(1);
      expect(logs.of("alert.notice_failed")).toHaveLength(3);
      expect(logs.text()).not.toContain("alerts.example");
    },
  );

  it("is given up after a day", async () => {
    await fire();
    receiver.respond = async () => new Response(null, { status: 500 });
    clock.pass(DAY);
    await runCron(MINUTELY, receiver.bindings);
    await runCron(MINUTELY, receiver.bindings);
    expect(receiver.posts).toHaveLength(1);
    expect(await sqlAll("SELECT id FROM alert_notices")).toEqual([]);
  });

  it("is posted for each change, in their order, even if the alert has resolved meanwhile", async () => {
    await fire();
    clock.pass(5 * MINUTE);
    await runCron(FIVE_MINUTES, receiver.bindings);
    await runCron(MINUTELY, receiver.bindings);
    expect(receiver.take()).toEqual(["error_rate alert.firing", "error_rate alert.resolved"]);
  });

  it("is not queued without a webhook, and the change is logged", async () => {
    const logs = captureLogs();
    await answer(500, 100);
    clock.pass(5 * MINUTE);
    await runCron(FIVE_MINUTES);
    expect(logs.of("alert.firing")).toMatchObject([
      { level: "error", alert: "error_rate", value: 1 },
    ]);
    expect(await sqlAll("SELECT id FROM alert_notices")).toEqual([]);
    clock.pass(5 * MINUTE);
    await runCron(FIVE_MINUTES);
    expect(logs.of("alert.resolved")).toMatchObject([{ level: "info", alert: "error_rate" }]);
  });
});

describe("the alerts", () => {
  it("are evaluated from what requests have counted", async () => {
    const { bindings } = receiver;
    for (let i = 0; i < 30; i += 1) {
      const body = { username: `stranger-${i}`, password: "wrong" };
      await send("/v1/auth/login", { body, bindings });
    }
    clock.pass(30_000);
    await send("/health", { bindings });
    expect(await passFiveMinutes()).toEqual(["login_failures alert.firing"]);
  });
});
