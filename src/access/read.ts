import { afterResponse, type Context, momentOf } from "../context.ts";
import type { Rows, Statements } from "../db/connection.ts";
import type { Statement } from "../db/statement.ts";
import { AppError } from "../errors.ts";
import { MINUTE } from "../lib/time.ts";
import { describeError } from "../platform/logger.ts";
import { type Account, type CallerRow, findCaller, toAccount, toPrincipal } from "./callers.ts";
import type { Principal } from "./principal.ts";
import { touchApiKey } from "./repository.ts";
import { requireRule } from "./require.ts";
import type { AccessRequest } from "./rule.ts";
import { requireRecent } from "./step-up.ts";
import type { UserRef } from "./target.ts";

/** The use of an API key is recorded at most this often. */
const TOUCH_INTERVAL_MS = MINUTE;

/** The context of a request whose caller D1 has confirmed. */
export interface Acting extends Context {
  actor: Principal;
  access: AccessRequest;
}

/**
 * The read protocol: reads the caller and what an operation needs in one round trip, and decides on the caller before any of
 * the data is used. Also returns the caller's account, and looks up the answer to a request with an `Idempotency-Key`, for
 * `requireUnanswered`. A read replica that lags never refuses a caller: the primary does. Throws `unauthenticated` if the
 * credential or its user is unusable, `forbidden` if the operation's rule does not admit the caller, and
 * `insufficient_user_authentication` if the operation always needs a recent authentication.
 */
export async function read<const S extends Statements>(
  ctx: Context,
  statements: S,
): Promise<Rows<S> & { acting: Acting; account: Account }> {
  const { access } = ctx;
  if (!access) throw new Error("read() in an operation open to everyone");
  const { idempotency } = ctx;
  const callers = findCaller(ctx.db, access.credential);
  const answers = idempotency?.answers;
  const sent = { callers, answers, ...statements };
  const { callers: found, answers: answered, ...rows } = await sendUnlessBehind(ctx, access, sent);
  const [row] = found as CallerRow[];
  if (idempotency) idempotency.found = answered;
  const principal = admit(ctx, access, row);
  const acting = { ...ctx, actor: principal, access };
  return { ...(rows as unknown as Rows<S>), acting, account: toAccount(row as CallerRow) };
}

// A session that has just begun may not have reached the replica yet.
async function sendUnlessBehind<const S extends Statements & { callers: Statement<CallerRow[]> }>(
  ctx: Context,
  { credential }: AccessRequest,
  statements: S,
): Promise<Rows<S>> {
  const rows = await ctx.d1.send(statements);
  const { replication } = ctx.d1;
  const [row] = rows.callers as CallerRow[];
  if (!replication?.mayLag || toPrincipal(row, credential, momentOf(ctx))) return rows;
  replication.mayLag = false;
  return ctx.d1.send(statements);
}

/** Checks the caller of a request that is refused before its operation reads anything. */
export async function requireAdmitted(ctx: Context): Promise<void> {
  const { acting } = await read(ctx, {});
  if (acting.access.rule.stepUp === true) requireRecent(acting, acting.access, acting.actor);
}

function admit(ctx: Context, access: AccessRequest, row: CallerRow | undefined): Principal {
  access.isDecided = true;
  const principal = toPrincipal(row, access.credential, momentOf(ctx));
  confirmKey(ctx, access, principal !== null);
  if (!principal || !row) throw new AppError("unauthenticated");
  if (principal.type === "api_key") recordUse(ctx, principal.keyId, row.lastUsedAt);
  access.principal = principal;
  requireRule(principal, access);
  // Whose the resource is, and so whether the caller is admitted, only the service knows: see `requireOwner`.
  const isAdmitted = access.rule.kind !== "owner-or-permission";
  if (isAdmitted && access.rule.stepUp === true) requireRecent(ctx, access, principal);
  ctx.memory.wrappedDataKeys.set(principal.userId, principal.dataKey, ctx.now());
  return principal;
}

// Only for counting requests: a key that is not live is counted by its address.
function confirmKey(
  { memory, now }: Context,
  { credential }: AccessRequest,
  isLive: boolean,
): void {
  if (credential.type !== "api_key") return;
  if (isLive) memory.confirmedKeys.set(credential.secretHash, true, now());
  else memory.confirmedKeys.delete(credential.secretHash);
}

// Runs after the response, so that it does not delay it, and at most once per minute per key.
function recordUse(ctx: Context, keyId: string, lastUsedAt: number | null): void {
  const since = ctx.now() - TOUCH_INTERVAL_MS;
  if (lastUsedAt !== null && lastUsedAt > since) return;
  afterResponse(ctx, async () => {
    try {
      await ctx.d1.send({ touched: touchApiKey(ctx.db, keyId, ctx.now(), since) });
    } catch (error) {
      ctx.log("warn", "api_key.touch_failed", describeError(error));
    }
  });
}

/** True if the user is the one whose access token was sent. `read` returns their account anyway. */
export function isCallersOwn({ access }: Context, user: UserRef): boolean {
  return access?.credential.type === "session" && access.credential.userId === user;
}
