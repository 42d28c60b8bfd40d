import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { takeUnmatchedStatements } from "./d1.ts";
import { takeReached, takeViolations } from "./documented.ts";
import { resetIsolate } from "./isolates.ts";
import { findLeaks, watchLogs } from "./leaks.ts";
import { findWalks, rememberStatements } from "./plans.ts";

const PRODUCTION_LIMIT = 100_000;

/** The iterations of each deriveBits call in the current test. */
export const derivedIterations: number[] = [];

// Taken from the prototype, because this file runs once per test file and replaces the method.
const deriveBits = SubtleCrypto.prototype.deriveBits.bind(crypto.subtle);

// Production refuses more than 100,000 iterations per call. This runtime does not, so the tests do.
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

// Waits of the worker after a response are shortened to 1 ms. Tests of the waiting itself use stopClock().
const wait: Scheduler["wait"] = Object.getPrototypeOf(scheduler).wait.bind(scheduler);
scheduler.wait = (ms, options) => wait(Math.min(ms, 1), options);

// Test files share one runtime: each starts with empty stores and a new isolate.
beforeAll(async () => {
  await reset();
  resetIsolate();
  watchLogs();
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
  rememberStatements();
});

afterEach(() => {
  derivedIterations.length = 0;
  vi.useRealTimers();
  vi.restoreAllMocks();
  const unmatched = takeUnmatchedStatements();
  if (unmatched.length > 0) throw new Error(`no statement matched ${unmatched.join(", ")}`);
});

// Whatever the worker answers is in the OpenAPI document.
afterAll(() => {
  const violations = takeViolations();
  if (violations.length > 0) {
    throw new Error(`responses that the OpenAPI document does not have:\n${violations.join("\n")}`);
  }
});

// For scripts/lib/status-reporter.ts.
// biome-ignore lint/correctness/noEmptyPattern: vitest requires it.
afterAll(({}, { file }) => {
  file.meta.reached = takeReached();
});

// No log line has a secret or personal data that the file's requests, responses, emails or statements contained.
afterAll(() => {
  const leaks = findLeaks();
  if (leaks.length > 0) throw new Error(`log lines with private values:\n${leaks.join("\n")}`);
});

// The cost of a request must not grow with what is stored: every statement finds its rows by an index.
afterAll(async () => {
  const walks = await findWalks();
  if (walks.length > 0) throw new Error(`statements that walk a whole table:\n${walks.join("\n")}`);
}, 60_000);
