import { vi } from "vitest";

/** Stops the clock at a whole minute, and lets whatever the worker waits for behind a response pass in no time. */
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
