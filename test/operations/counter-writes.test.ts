import { beforeEach, describe, expect, it } from "vitest";
import { mintApiKey } from "../../src/lib/api-key.ts";
import { send, start } from "../support/api.ts";
import { type Counting, startCounting } from "../support/counting.ts";
import { withKey } from "../support/credentials.ts";
import { beforeEachStatement, wrapD1 } from "../support/d1.ts";
import { at, faultyBindings } from "../support/faults.ts";
import { createTestUser } from "../support/fixtures.ts";
import { createIsolate, warm } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { growthDuring } from "../support/metrics.ts";

const WRITE = /^insert into "metric_writers"/;
const SECOND = 1000;

const requests = (route: string, method: string, status: number) =>
  `roster_http_requests_total{route="${route}",method="${method}",status="${status}"}`;

let clock: Counting["clock"];

beforeEach(() => {
  ({ clock } = startCounting());
});

/** Fails at the first write of counts only. */
function failOnce(fault: "d1" | "d1AnswerLost"): Cloudflare.Env {
  const matches = at(WRITE);
  let hasFailed = false;
  const fails = (sql: string) => {
    const isFirst = !hasFailed && matches(sql);
    hasFailed ||= isFirst;
    return isFirst;
  };
  return faultyBindings({ [fault]: fails });
}

describe("the write of counts", () => {
  it("is made at most once per 30 seconds and isolate, whatever the traffic", async () => {
    const writes: number[] = [];
    const bindings = beforeEachStatement(WRITE, async () => writes.push(Date.now()));
    for (let i = 0; i < 100; i += 1) {
      await send("/health", { bindings });
      clock.pass(SECOND);
    }
    expect(writes.length).toBeGreaterThan(2);
    for (const [i, written] of writes.entries()) {
      expect(written - (writes[i - 1] ?? 0)).toBeGreaterThanOrEqual(30 * SECOND);
    }
  });

  it("is never part of a request of /metrics, whoever sends it", async () => {
    const { token } = await createTestUser("admin");
    const { text: key } = await mintApiKey();
    const trips: string[] = [];
    const DB = wrapD1({ before: async (sql) => trips.push(sql) });
    const bindings = warm({ ...createIsolate(), DB });
    clock.wait.mockImplementation(() => new Promise(() => undefined));
    for (const credential of [
      { token, bindings },
      { ...withKey({ key }), bindings },
    ]) {
      await start("/health", { bindings });
      await start("/metrics", credential);
      clock.pass(60 * SECOND);
    }
    expect(trips).toHaveLength(2);
    expect(trips.join(";")).not.toMatch(/insert into|update "|delete from/i);
  });

  it("is waited for by no request for as long as work behind a response may take", async () => {
    const bindings = createIsolate();
    for (let i = 0; i < 100; i += 1) {
      await send("/health", { bindings });
      clock.pass(SECOND);
    }
    const waits = clock.wait.mock.calls.map(([ms]) => Number(ms));
    expect(Math.max(...waits)).toBeGreaterThanOrEqual(20 * SECOND);
    expect(Math.max(...waits)).toBeLessThanOrEqual(28 * SECOND);
  });

  it("is made by the next request if the one that waited for it was cut off", async () => {
    const bindings = createIsolate();
    const growth = await growthDuring(async () => {
      clock.wait.mockImplementationOnce(() => new Promise(() => undefined));
      await start("/docs/errors", { bindings });
      clock.pass(21 * SECOND);
      await send("/docs/errors", { bindings });
    });
    expect(growth.get(requests("/docs/errors", "GET", 200))).toBe(2);
  });

  it("is not part of the cost of a request, and does not delay it", async () => {
    const bindings = createIsolate();
    await send("/health", { bindings });
    clock.pass(60 * SECOND);
    const trips: string[] = [];
    bindings.DB = wrapD1({ before: async (sql) => trips.push(sql) });
    const { response, settled } = await start("/health", { bindings });
    expect(trips).toEqual([]);
    expect(response.headers.get("Server-Timing")).toContain("queries=0");
    await settled;
    expect(trips).toEqual([expect.stringMatching(WRITE)]);
  });

  it("that failed is repeated with the same counts", async () => {
    const logs = captureLogs();
    const bindings = failOnce("d1");
    const growth = await growthDuring(() => sendTwiceApart(bindings));
    expect(logs.of("metrics.write_failed")).toMatchObject([{ level: "warn" }]);
    expect(growth.get(requests("/docs/errors", "GET", 200))).toBe(2);
  });

  it("whose answer was lost adds its counts once", async () => {
    const logs = captureLogs();
    const bindings = failOnce("d1AnswerLost");
    const growth = await growthDuring(() => sendTwiceApart(bindings));
    expect(logs.of("metrics.write_failed")).toHaveLength(1);
    expect(growth.get(requests("/docs/errors", "GET", 200))).toBe(2);
  });

  // Sends two requests, and others until the counts of both are written.
  async function sendTwiceApart(bindings: Cloudflare.Env) {
    await send("/docs/errors", { bindings });
    clock.pass(30 * SECOND);
    await send("/docs/errors", { bindings });
    for (let i = 0; i < 2; i += 1) {
      clock.pass(30 * SECOND);
      await send("/health", { bindings });
    }
  }
});
