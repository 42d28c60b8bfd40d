import { send } from "./api.ts";
import { stopClock } from "./clock.ts";
import { resetIsolate } from "./isolates.ts";

export type Counting = ReturnType<typeof startCounting>;

/** Stops the clock for a test of counters, which isolates write. */
export function startCounting() {
  // The clock of each test starts at the same time, and an isolate remembers when it has written.
  resetIsolate();
  const clock = stopClock(undefined, { writesCounts: true });

  /** Writes the counts of the isolate that requests use by default. */
  async function writeAll(): Promise<void> {
    clock.pass(30_000);
    await send("/health");
  }
  return { clock, writeAll };
}
