import type { Context } from "../../context.ts";
import { listJobs } from "../../db/job-leases.ts";
import { DAY, MINUTE, SECOND } from "../../lib/time.ts";
import { describeError } from "../../platform/logger.ts";
import { logChange, postNotice, toNotice } from "./notify.ts";
import type { Notice } from "./repository.ts";
import { type Finding, judgeStore } from "./rules.ts";

const ATTEMPTS = 3;
const KEY = "alert:d1_unready";
const TTL_SECONDS = (30 * DAY) / SECOND;

/** The state of the alert about D1, in KV. */
interface State {
  isFiring: boolean;
  /** What the webhook has not accepted yet. */
  notice?: Notice;
}

/** Whether a store responds to one of three attempts, a second apart. */
export async function isResponding(ask: () => Promise<unknown>): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await ask();
      return true;
    } catch {
      if (attempt === ATTEMPTS) return false;
      await scheduler.wait(SECOND);
    }
  }
}

/**
 * Checks that D1 responds, and posts a notice when that changes. The state is in KV, because D1 cannot hold it. If KV fails, too, a
 * failure of D1 is posted by every run. Never rejects.
 */
export async function watchDatabase(ctx: Context): Promise<void> {
  const finding = judgeStore(
    "d1",
    await isResponding(() => ctx.d1.send({ jobs: listJobs(ctx.db) })),
  );
  let state = await readState(ctx);
  if (finding.isFiring !== state.isFiring) {
    logChange(ctx, finding);
    const notice = toNotice(finding, { id: toNoticeId(finding, ctx.now()), now: ctx.now() });
    state = { isFiring: finding.isFiring, ...(ctx.config.alertWebhook && { notice }) };
    await writeState(ctx, state);
  }
  if (!state.notice || !(await postNotice(ctx, state.notice))) return;
  // KV accepts one write per second per key.
  await scheduler.wait(SECOND);
  await writeState(ctx, { isFiring: state.isFiring });
}

// Alike for runs at the same time, which nothing keeps from posting both: the receiver ignores an id that it has seen.
function toNoticeId({ name, isFiring }: Finding, now: number): string {
  return `${name}-${isFiring ? "firing" : "resolved"}-${Math.floor(now / (5 * MINUTE))}`;
}

async function readState(ctx: Context): Promise<State> {
  try {
    return ((await ctx.kv.get(KEY)) as State | null) ?? { isFiring: false };
  } catch (error) {
    ctx.log("warn", "alert.state_failed", describeError(error));
    return { isFiring: false };
  }
}

async function writeState(ctx: Context, state: State): Promise<void> {
  try {
    await ctx.kv.put(KEY, state, TTL_SECONDS);
  } catch (error) {
    ctx.log("warn", "alert.state_failed", describeError(error));
  }
}
