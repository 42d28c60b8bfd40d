import { beforeEach, describe, expect, it } from "vitest";
import { type Alerting, countAnswers, startAlerting } from "../support/alerting.ts";
import { FIVE_MINUTES, MINUTELY, runCron } from "../support/cron.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { sqlAll } from "../support/fixtures.ts";
import { createStaleKv } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

let clock: Alerting["clock"];
let receiver: Alerting["receiver"];
let passFiveMinutes: Alerting["passFiveMinutes"];

beforeEach(async () => {
  ({ clock, receiver, passFiveMinutes } = await startAlerting());
});

describe("runs", () => {
  it("at the same time post a change once", async () => {
    await countAnswers(500, 100);
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
    await countAnswers(500, 100);
    clock.pass(MINUTE / 2);
    await runCron(FIVE_MINUTES, receiver.bindings);
    expect(await passFiveMinutes()).toEqual(["error_rate alert.firing"]);
  });
});

describe("a notice", () => {
  const fire = async () => {
    await countAnswers(500, 100);
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
        runbook: "https://roster.test/docs/guide/run/alerts#error_rate",
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
    await countAnswers(500, 100);
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
