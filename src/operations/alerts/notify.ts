import type { Context } from "../../context.ts";
import { DAY } from "../../lib/time.ts";
import { postWebhook } from "../../lib/webhook.ts";
import { correlationHeaders } from "../../platform/correlation.ts";
import { describeError } from "../../platform/logger.ts";
import { deleteNotice, listNotices, type Notice } from "./repository.ts";
import type { Finding } from "./rules.ts";

/** How many notices a run posts: an attempt takes up to five seconds, and a run a minute at most. */
export const NOTICES_PER_RUN = 10;

/** A notice that the webhook has not accepted for this long is given up. */
const GIVE_UP_AFTER_MS = DAY;

/** The notice of a change of an alert. */
export function toNotice(
  { name, isFiring, summary, value, threshold }: Finding,
  { id, now }: { id: string; now: number },
): Notice {
  return { id, alert: name, isFiring, summary, value, threshold, createdAt: now };
}

/** Logs the change of an alert, which is the only sign of it without a webhook. */
export function logChange(ctx: Context, { name, isFiring, value, threshold }: Finding): void {
  const fields = { alert: name, value, threshold };
  if (isFiring) ctx.log("error", "alert.firing", fields);
  else ctx.log("info", "alert.resolved", fields);
}

/**
 * Posts notices that the webhook has not accepted, the oldest first. Those that it does not accept are posted again by the next run,
 * with the same id, for a day. Returns the notices that were accepted.
 */
export async function deliverNotices(ctx: Context): Promise<Notice[]> {
  const { notices } = await ctx.d1.send({ notices: listNotices(ctx.db, NOTICES_PER_RUN) });
  const accepted: Notice[] = [];
  for (const notice of notices) {
    const isAccepted = await postNotice(ctx, notice);
    if (isAccepted) accepted.push(notice);
    const isOver = isAccepted || ctx.now() - notice.createdAt >= GIVE_UP_AFTER_MS;
    if (isOver) await ctx.d1.send({ deleted: deleteNotice(ctx.db, notice.id) });
  }
  return accepted;
}

/** Posts a notice. False if the webhook does not accept it, or if there is none. */
export async function postNotice(ctx: Context, notice: Notice): Promise<boolean> {
  const { alertWebhook } = ctx.config;
  if (!alertWebhook) return false;
  try {
    const headers = correlationHeaders(ctx);
    await postWebhook(alertWebhook, { id: notice.id, body: render(ctx, notice), headers });
    return true;
  } catch (error) {
    const fields = { alert: notice.alert, notice_id: notice.id };
    ctx.log("error", "alert.notice_failed", { ...fields, ...describeError(error) });
    return false;
  }
}

function render({ config }: Context, notice: Notice): string {
  const { alert, isFiring, summary, value, threshold, createdAt } = notice;
  return JSON.stringify({
    type: isFiring ? "alert.firing" : "alert.resolved",
    timestamp: new Date(createdAt).toISOString(),
    data: {
      service: config.appUrl ?? null,
      alert,
      summary,
      value,
      threshold,
      runbook: `${config.appUrl ?? ""}/docs/guide/run/alerts#${alert}`,
    },
  });
}
