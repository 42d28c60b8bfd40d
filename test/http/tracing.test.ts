import { describe, expect, it, vi } from "vitest";
import { send } from "../support/api.ts";
import { HOURLY, MINUTELY, runCron } from "../support/cron.ts";
import { at, faultyBindings } from "../support/faults.ts";
import { newAccount, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

/** The log line of a request with this `traceparent`. */
async function lineOf(traceparent: string | undefined) {
  const logs = captureLogs();
  await send("/health", { headers: traceparent === undefined ? {} : { traceparent } });
  return logs.of("request")[0];
}

/** Answers all calls of the worker to other services, and returns their `traceparent` headers, in order. */
function captureCalls(respond = () => new Response('{"id":"1"}')) {
  const traceparents: (string | null)[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    traceparents.push(new Request(input as string, init).headers.get("traceparent"));
    return respond();
  });
  return traceparents;
}

const MAIL_BY_HTTP = {
  MAIL_TRANSPORT: "http",
  MAIL_FROM: "Roster <no-reply@roster.example>",
  MAIL_API_URL: "https://mail.example/emails",
  MAIL_API_KEY: "re_unmistakable",
};

describe("traceparent", () => {
  it.each([
    ["of version 00", `00-${TRACE}-${PARENT}-01`],
    ["that was not sampled", `00-${TRACE}-${PARENT}-00`],
    ["with unknown flags", `00-${TRACE}-${PARENT}-ff`],
    ["of a later version", `01-${TRACE}-${PARENT}-01`],
    ["of a later version with more fields", `cc-${TRACE}-${PARENT}-01-what-the-future-brings`],
  ])("%s is continued with a new span", async (_, traceparent) => {
    const line = await lineOf(traceparent);
    expect(line).toMatchObject({
      trace_id: TRACE,
      parent_span_id: PARENT,
      span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(line?.span_id).not.toBe(PARENT);
  });

  it.each([
    ["is missing", undefined],
    ["is empty", ""],
    ["has upper-case digits", `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ["has a trace id of zeros", `00-${"0".repeat(32)}-${PARENT}-01`],
    ["has a parent id of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["has a short trace id", `00-${TRACE.slice(1)}-${PARENT}-01`],
    ["has a long parent id", `00-${TRACE}-${PARENT}0-01`],
    ["has no flags", `00-${TRACE}-${PARENT}`],
    ["has more fields than version 00", `00-${TRACE}-${PARENT}-01-more`],
    ["has the forbidden version", `ff-${TRACE}-${PARENT}-01`],
    ["is a list", `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
    ["is very long", `00-${TRACE}-${PARENT}-01-${"x".repeat(10_000)}`],
    ["is no hex", `00-${"g".repeat(32)}-${PARENT}-01`],
  ])("that %s begins a new trace", async (_, traceparent) => {
    const line = await lineOf(traceparent);
    expect(line?.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(line?.trace_id).not.toBe(TRACE);
    expect(line?.span_id).toMatch(/^[0-9a-f]{16}$/);
    expect(line).not.toHaveProperty("parent_span_id");
  });

  it("gives every request without one a trace of its own", async () => {
    const logs = captureLogs();
    for (let i = 0; i < 3; i += 1) await send("/health");
    const traces = logs.of("request").map(({ trace_id }) => trace_id);
    const spans = logs.of("request").map(({ span_id }) => span_id);
    expect([new Set(traces).size, new Set(spans).size]).toEqual([3, 3]);
  });

  it("is on the line of an error, too", async () => {
    const logs = captureLogs();
    const headers = { traceparent: `00-${TRACE}-${PARENT}-01` };
    const bindings = faultyBindings({ d1: at(/"users"/) });
    await send("/v1/auth/login", { body: { username: "a", password: "b" }, headers, bindings });
    const [failed, request] = [logs.of("request.failed")[0], logs.of("request")[0]];
    expect(failed).toMatchObject({ trace_id: TRACE, span_id: request?.span_id });
  });

  it.each([
    ["01", "01"],
    ["00", "00"],
    ["03", "03"],
    ["ff", "03"],
  ])("is sent to the services that a request calls: flags %s as %s", async (given, passed) => {
    const traceparents = captureCalls(() => new Response(""));
    const logs = captureLogs();
    await send("/v1/auth/register", {
      body: newAccount(),
      bindings: createIsolate({ BREACHED_PASSWORD_CHECK: "on", ...MAIL_BY_HTTP }),
      headers: { traceparent: `00-${TRACE}-${PARENT}-${given}` },
    });
    const [line] = logs.of("request");
    const expected = `00-${TRACE}-${line?.span_id}-${passed}`;
    expect(traceparents).toEqual([expected, expected]);
  });

  it("does not pass a tracestate on", async () => {
    const sent: Headers[] = [];
    vi.spyOn(globalThis, "fetch").mockImplementation(async (_, init) => {
      sent.push(new Headers(init?.headers));
      return new Response("");
    });
    const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: "a=whatever" };
    const bindings = createIsolate({ BREACHED_PASSWORD_CHECK: "on", MAIL_TRANSPORT: "off" });
    await send("/v1/auth/register", { body: newAccount(), bindings, headers });
    expect(sent.map((each) => each.get("tracestate"))).toEqual([null]);
  });

  it("may be sent by a browser on another origin", async () => {
    const { headers } = await send("/v1/users", {
      method: "OPTIONS",
      headers: {
        Origin: "https://app.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "traceparent",
      },
      bindings: createIsolate({ CORS_ORIGINS: "https://app.example" }),
    });
    expect(headers.get("Access-Control-Allow-Headers")).toContain("traceparent");
  });
});

describe("a scheduled job", () => {
  it("has one line per run, in a trace of its own, with its duration", async () => {
    const logs = captureLogs();
    await runCron(HOURLY);
    const lines = logs.of("cron.job");
    expect(lines.length).toBeGreaterThan(3);
    expect(new Set(lines.map(({ trace_id }) => trace_id)).size).toBe(lines.length);
    expect(new Set(lines.map(({ request_id }) => request_id)).size).toBe(1);
    for (const line of lines) {
      expect(line).toMatchObject({
        span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
        duration_ms: expect.any(Number),
      });
    }
  });

  it("sends its trace to the services that it calls", async () => {
    await sqlRun("DELETE FROM mail_outbox");
    await send("/v1/auth/register", {
      body: newAccount(),
      bindings: createIsolate({ ...MAIL_BY_HTTP, MAIL_TRANSPORT: "cloudflare" }),
    });
    await sqlRun("UPDATE mail_outbox SET sent_at = NULL, next_attempt_at = 0, leased_until = 0");
    const traceparents = captureCalls();
    const logs = captureLogs();
    await runCron(MINUTELY, createIsolate(MAIL_BY_HTTP));
    const [line] = logs.of("cron.job");
    expect(traceparents).toEqual([`00-${line?.trace_id}-${line?.span_id}-03`]);
    expect(logs.of("mail.sent")).toMatchObject([{ trace_id: line?.trace_id }]);
  });
});
