import { vi } from "vitest";

/**
 * Stops the clock at a whole minute. Waits of the worker after a response end immediately and advance the clock by their
 * length.
 */
export function stopClock(start = 29_700_000 * 60_000) {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(start);
  const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
  const reallyWait = scheduler.wait.bind(scheduler);
  const wait = vi.spyOn(scheduler, "wait").mockImplementation(async (ms) => {
    await reallyWait(0);
    pass(Number(ms));
  });
  return { start, pass, at: (ms: number) => vi.setSystemTime(start + ms), wait };
}
