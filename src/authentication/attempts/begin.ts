import { type SQL, sql } from "drizzle-orm";
import { countUnattributed } from "../../audit/unattributed.ts";
import type { Context } from "../../context.ts";
import type { Rows } from "../../db/connection.ts";
import { AppError } from "../../errors.ts";
import { type AttemptLimits, computeRetryAfterSeconds, countStored } from "./limits.ts";
import { type AttemptCounter, countAttempt, findAttempts } from "./repository.ts";

/** An attempt to log in or to prove a factor. */
interface Attempt {
  counter: AttemptCounter;
  limits: AttemptLimits;
  /** Nothing is counted unless this holds. */
  condition?: SQL;
  /** The id of the user whom the attempt concerns; empty if there is none. */
  subjectId: string | SQL;
  /** A refusal is not counted unless this holds. */
  whereBlockable?: SQL;
}

/**
 * The statements that count an attempt, or its refusal if a limit is reached. They are sent with what the attempt needs, before that
 * is evaluated: parallel attempts cannot exceed the limit. They stay together, in this order, because `changes()` refers to the previous statement.
 */
export function beginAttempt(
  ctx: Context,
  { counter, limits, condition, subjectId, whereBlockable = sql`true` }: Attempt,
) {
  return {
    counted: countAttempt(ctx.db, counter, limits, condition),
    blocked: countUnattributed(ctx, "auth.login_blocked", {
      subjectId,
      condition: sql`changes() = 0 AND ${whereBlockable}`,
    }),
    stored: findAttempts(ctx.db, counter),
  };
}

type AttemptRows = Pick<Rows<ReturnType<typeof beginAttempt>>, "counted" | "stored">;

/** How many attempts there were within the window, this one included, from its network and in total; undefined if it was refused. */
export function readAttempt(
  { counter: { network }, limits }: Pick<Attempt, "counter" | "limits">,
  { counted: [row] }: AttemptRows,
) {
  return row && { key: row.key, network, ...countStored(row.attempts, network, limits) };
}

/** The `too_many_attempts` error for an attempt that was refused. Says when one is accepted again. */
export function tooManyAttempts(
  { counter: { network }, limits }: Pick<Attempt, "counter" | "limits">,
  { stored: [row] }: AttemptRows,
): AppError {
  return refuseFor(computeRetryAfterSeconds(row?.attempts ?? "{}", network, limits));
}

/** The `too_many_attempts` error, with `Retry-After`. */
export function refuseFor(seconds: number): AppError {
  return new AppError("too_many_attempts", { headers: { "Retry-After": String(seconds) } });
}
