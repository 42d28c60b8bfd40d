import { setTimeout } from "node:timers/promises";
import { UsageError } from "./fail.ts";

const BUSY = /SQLITE_BUSY|database is locked/i;

/** Whether an error's message says that another process is using the database. */
export function saysBusy(message: string): boolean {
  return BUSY.test(message);
}

/**
 * Repeats work on a local database while another process is using it, such as `npm run dev` with a request in progress. What fails
 * because of that has changed nothing. Throws a UsageError if the database stays busy.
 */
export async function retryWhileBusy<T>(
  work: () => Promise<T>,
  { attempts = 8, pauseMs = 1000 } = {},
): Promise<T> {
  for (let left = attempts - 1; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UsageError && saysBusy(error.message))) throw error;
      if (left === 0) throw new UsageError(STILL_BUSY);
      console.error("The database is busy. Trying again.");
      await setTimeout(pauseMs);
    }
  }
}

const STILL_BUSY =
  "The database is still busy: another process is changing it. Nothing was changed. Stop the other process, " +
  "such as `npm run dev`, or wait until its requests have ended, and try again.";
