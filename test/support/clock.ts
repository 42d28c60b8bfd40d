import { vi } from "vitest";

const LONGEST_OTHER_WAIT_MS = 10_000;

/**
 * Stops the clock at a whole minute. Waits of the worker after a response end immediately and advance the clock by their
 * length, except for the long ones before counts are written for /metrics: those end without effect, unless `writesCounts` is set.
 */
export function stopClock(start = 29_700_000 * 60_000, { writesCounts = false } = {}) {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(start);
  const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
  const reallyWait = scheduler.wait.bind(scheduler);
  const wait = vi.spyOn(scheduler, "wait").mockImplementation(async (ms) => {
    await reallyWait(0);
    if (writesCounts || Number(ms) <= LONGEST_OTHER_WAIT_MS) pass(Number(ms));
  });
  /** How long the worker has waited, apart from the waits before counts are written. */
  const waits = () =>
    wait.mock.calls.map(([ms]) => Number(ms)).filter((ms) => ms <= LONGEST_OTHER_WAIT_MS);
  return { start, pass, at: (ms: number) => vi.setSystemTime(start + ms), wait, waits };
}
