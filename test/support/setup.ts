import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { takeMissedMoments } from "./d1.ts";
import { renewIsolate } from "./isolates.ts";
import { findScans } from "./plans.ts";

const PRODUCTION_LIMIT = 100_000;

/** What deriveBits was asked for in the current test. */
export const derivedIterations: number[] = [];

// The runtime's own, from the prototype: this file runs once per test file.
const deriveBits = SubtleCrypto.prototype.deriveBits.bind(crypto.subtle);

// Production refuses more than 100,000 iterations a call; this runtime does not, so the tests do.
crypto.subtle.deriveBits = (algorithm, ...rest) => {
  const iterations = (algorithm as { iterations?: number }).iterations ?? 0;
  derivedIterations.push(iterations);
  if (iterations > PRODUCTION_LIMIT) {
    throw new DOMException(
      `Pbkdf2 failed: iteration counts above ${PRODUCTION_LIMIT} are not supported`,
      "NotSupportedError",
    );
  }
  return deriveBits(algorithm, ...rest);
};

// What the worker waits for after a response passes at once. Tests of the waiting itself use stopClock().
const wait: Scheduler["wait"] = Object.getPrototypeOf(scheduler).wait.bind(scheduler);
scheduler.wait = (ms, options) => wait(Math.min(ms, 1), options);

// Files share one runtime: each begins with empty stores and an isolate that knows nothing.
beforeAll(async () => {
  await reset();
  renewIsolate();
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
});

afterEach(() => {
  derivedIterations.length = 0;
  vi.useRealTimers();
  vi.restoreAllMocks();
  const missed = takeMissedMoments();
  if (missed.length > 0) throw new Error(`no statement matched ${missed.join(", ")}`);
});

// The cost of a request must not grow with what is stored: every statement finds its rows by an index.
afterAll(async () => {
  const scans = await findScans();
  if (scans.length > 0) throw new Error(`statements that walk a whole table:\n${scans.join("\n")}`);
});
