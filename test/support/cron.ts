import {
  createExecutionContext,
  createScheduledController,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../src/index.ts";

export const MINUTELY = "* * * * *";
export const FIVE_MINUTES = "*/5 * * * *";
export const HOURLY = "17 * * * *";

/** Runs the jobs of a schedule and waits for their `waitUntil` promises. */
export async function runCron(cron: string, bindings: Cloudflare.Env = env): Promise<void> {
  const context = createExecutionContext();
  await worker.scheduled(createScheduledController({ cron }), bindings, context);
  await waitOnExecutionContext(context);
}
