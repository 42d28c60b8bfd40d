import { beforeEach, describe, expect, it } from "vitest";
import { type Alerting, addTo, countAnswers, startAlerting } from "../support/alerting.ts";
import { send } from "../support/api.ts";
import { FIVE_MINUTES, MINUTELY, runCron } from "../support/cron.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { createTestUser, sqlRun } from "../support/fixtures.ts";
import { captureLogs } from "../support/logs.ts";
import { readMetrics } from "../support/metrics.ts";
import { WEBHOOK } from "../support/webhook.ts";

const MINUTE = 60_000;

let clock: Alerting["clock"];
let receiver: Alerting["receiver"];
let passFiveMinutes: Alerting["passFiveMinutes"];

beforeEach(async () => {
  ({ clock, receiver, passFiveMinutes } = await startAlerting());
});

const take = (le: string, by: number) =>
  addTo(["roster_http_request_duration_seconds_bucket", "/v1/users", le], by);

const failLogins = (by: number) => addTo(["roster_logins_total", "invalid_credentials"], by);

describe("the alert", () => {
  it("error_rate fires above 1 % of requests, and resolves", async () => {
    await countAnswers(200, 990);
    await countAnswers(500, 10);
    expect(await passFiveMinutes()).toEqual([]);
    await countAnswers(404, 989);
    await countAnswers(503, 11);
    expect(await passFiveMinutes()).toEqual(["error_rate alert.firing"]);
    await countAnswers(500, 50);
    expect(await passFiveMinutes()).toEqual([]);
    await countAnswers(200, 1);
    expect(await passFiveMinutes()).toEqual(["error_rate alert.resolved"]);
    expect(await passFiveMinutes()).toEqual([]);
    await countAnswers(500, 50);
    expect(await passFiveMinutes()).toEqual(["error_rate alert.firing"]);
  });

  it("error_rate needs more than one error", async () => {
    await countAnswers(500, 1);
    expect(await passFiveMinutes()).toEqual([]);
    await countAnswers(500, 2);
    expect(await passFiveMinutes()).toEqual(["error_rate alert.firing"]);
  });

  it("slow_requests fires if the 95th percentile is above 500 ms", async () => {
    await take("0.5", 95);
    await take("1", 5);
    await countAnswers(200, 100);
    expect(await passFiveMinutes()).toEqual([]);
    await take("0.005", 94);
    await take("+Inf", 6);
    await countAnswers(200, 100);
    expect(await passFiveMinutes()).toEqual(["slow_requests alert.firing"]);
    expect(await passFiveMinutes()).toEqual(["slow_requests alert.resolved"]);
  });

  it("slow_requests needs 20 requests", async () => {
    await take("1", 19);
    await countAnswers(200, 19);
    expect(await passFiveMinutes()).toEqual([]);
    await take("1", 20);
    await countAnswers(200, 20);
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
    await addTo(["roster_logins_total", "invalid_code"], 11);
    await addTo(["roster_logins_total", "too_many_attempts"], 10);
    await addTo(["roster_logins_total", "mfa_required"], 1000);
    expect(await passFiveMinutes()).toEqual(["login_failures alert.firing"]);
  });

  it("login_failures does not fire for a few failures in a quiet service", async () => {
    await failLogins(20);
    expect(await passFiveMinutes()).toEqual([]);
  });

  it("does not change for what an outage of the jobs or a restored database hides", async () => {
    await countAnswers(500, 100);
    expect(await passFiveMinutes()).toEqual(["error_rate alert.firing"]);
    clock.pass(60 * MINUTE);
    await countAnswers(200, 1000);
    await sqlRun("UPDATE job_leases SET last_success_at = ?", Date.now());
    expect(await passFiveMinutes()).toEqual([]);
    await sqlRun("UPDATE metric_counters SET value = 1");
    expect(await passFiveMinutes()).toEqual(["error_rate alert.resolved"]);
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
