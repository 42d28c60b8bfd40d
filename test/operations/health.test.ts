import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { version } from "../../package.json";
import { costOf, send } from "../support/api.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { createTestUser, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem } from "../support/problems.ts";

describe("GET /health", () => {
  it("returns the version without D1 or KV access", async () => {
    const answer = await send("/health");
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ status: "healthy", version });
    expect(costOf(answer)).toEqual({
      queries: 0,
      rowsRead: 0,
      rowsWritten: 0,
      kvReads: 0,
      kvWrites: 0,
    });
  });

  it("responds while every store fails and nothing is configured", async () => {
    const bindings = { ...faultyBindings({ d1: always, kvGet: always }), SIGNING_KEYS: "" };
    expect((await send("/health", { bindings })).status).toBe(200);
  });

  it("ignores tokens", async () => {
    const { token } = await createTestUser();
    for (const credential of [token, "x.y.z"]) {
      expect((await send("/health", { token: credential })).status).toBe(200);
    }
  });
});

describe("GET /ready", () => {
  it("returns 200 with the latency of each store", async () => {
    const answer = await send("/ready");
    expect(answer.status).toBe(200);
    const ok = { status: "ok", duration_ms: expect.any(Number) };
    const checks = { d1: ok, kv: ok, mail: { status: "ok" } };
    expect(answer.body).toEqual({ status: "ready", checks });
  });

  it.each([
    ["MAIL_TRANSPORT is off", createIsolate({ MAIL_TRANSPORT: "off" })],
    ["there is no address for links", createIsolate({ APP_URL: undefined })],
    ["there is no EMAIL binding", createIsolate({ EMAIL: undefined })],
  ])("returns 200 with mail off if %s", async (_, bindings) => {
    const answer = await send("/ready", { bindings });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body.checks.mail).toEqual({ status: "off" });
  });

  it.each([
    ["d1", faultyBindings({ d1: always, d1Message: "secret detail" })],
    ["kv", faultyBindings({ kvGet: always })],
  ])("returns 503 naming %s if it fails, without its error message", async (store, bindings) => {
    const answer = await send("/ready", { bindings });
    expectProblem(answer, 503, "service_unavailable");
    expect(answer.headers.get("Retry-After")).toMatch(/^\d+$/);
    const failed = Object.entries<{ status: string }>(answer.body.checks).filter(
      ([, { status }]) => status !== "ok",
    );
    expect(failed.map(([name]) => name)).toEqual([store]);
    expect(answer.text).not.toMatch(/secret detail|Internal Server Error|D1_ERROR/);
  });

  it("names both if both fail", async () => {
    const { body } = await send("/ready", {
      bindings: faultyBindings({ d1: always, kvGet: always }),
    });
    expect(body.checks).toMatchObject({ d1: { status: "failed" }, kv: { status: "failed" } });
  });

  it("returns 503 if migrations are not applied", async () => {
    await sqlRun("ALTER TABLE roles RENAME TO roles_away");
    const answer = await send("/ready");
    await sqlRun("ALTER TABLE roles_away RENAME TO roles");
    expectProblem(answer, 503, "service_unavailable");
    expect(answer.body.checks.d1.status).toBe("failed");
    expect((await send("/ready", { bindings: { ...env } })).status).toBe(200);
  });
});
