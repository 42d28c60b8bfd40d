import { describe, expect, it, vi } from "vitest";
import { send } from "../support/api.ts";
import { HOURLY, runCron } from "../support/cron.ts";
import { at, faultyBindings } from "../support/faults.ts";
import { createTestUser } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";

const withRate = (LOG_SAMPLE_RATE: string) => createIsolate({ LOG_SAMPLE_RATE });

describe("LOG_SAMPLE_RATE", () => {
  it.each([
    ["0", 0],
    ["0.25", 2],
    ["1", 8],
  ])("of %s logs this share of the successes", async (rate, logged) => {
    const bindings = withRate(rate);
    const logs = captureLogs();
    const random = vi.spyOn(Math, "random");
    for (let i = 0; i < 8; i += 1) {
      random.mockReturnValue(i / 8);
      await send("/health", { bindings });
    }
    expect(logs.of("request")).toHaveLength(logged);
  });

  it("decides once per request: a streamed response has both of its lines, or none", async () => {
    const { token } = await createTestUser();
    const bindings = withRate("0.5");
    const events = async (number: number) => {
      vi.spyOn(Math, "random").mockReturnValue(number);
      const logs = captureLogs();
      await send("/v1/users/me/export", { token, bindings });
      const found = logs.lines().map(({ event }) => event);
      vi.restoreAllMocks();
      return found;
    };
    expect(await events(0.49)).toEqual(["request", "stream.ended"]);
    expect(await events(0.5)).toEqual([]);
  });

  it("leaves out no refusal and no error", async () => {
    const bindings = withRate("0");
    const logs = captureLogs();
    await send("/v1/nothing", { bindings });
    await send("/v1/auth/login", { body: { username: "nobody", password: "x" }, bindings });
    const broken = { ...faultyBindings({ d1: at(/"users"/) }), LOG_SAMPLE_RATE: "0" };
    await send("/v1/auth/login", { body: { username: "nobody", password: "x" }, bindings: broken });
    expect(logs.of("request").map(({ status }) => status)).toEqual([404, 401, 503]);
    expect(logs.of("request.failed")).toHaveLength(1);
  });

  it("leaves out no warning of a success, and no job", async () => {
    const { refreshToken } = await createTestUser();
    const kvPut = at(/^session:/);
    const bindings = { ...faultyBindings({ kvPut }), LOG_SAMPLE_RATE: "0" };
    const logs = captureLogs();
    await send("/v1/auth/refresh", { body: { refresh_token: refreshToken }, bindings });
    expect(logs.lines().map(({ event }) => event)).toEqual(["session.cache_write_failed"]);
    await runCron(HOURLY, withRate("0"));
    expect(logs.of("cron.job")).not.toEqual([]);
  });

  it.each(["", "-0.1", "1.1", "2", "NaN", "half", ".5", "1e-3", "0x1"])(
    "refuses to serve with %j",
    async (rate) => {
      const answer = await send("/ready", { bindings: withRate(rate) });
      expectProblem(answer, 503, "misconfigured");
      expect(answer.body.checks.config.detail).toContain("LOG_SAMPLE_RATE");
    },
  );
});
