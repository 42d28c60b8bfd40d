import { type SQL, sql } from "drizzle-orm";
import { assess, type Proofs } from "../../access/assurance.ts";
import { findCaller, toPrincipal } from "../../access/callers.ts";
import { whereAuthorized } from "../../access/conditions.ts";
import { type Acting, read } from "../../access/read.ts";
import { requirePerson } from "../../access/require.ts";
import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { NewAuditEvent } from "../../audit/repository.ts";
import { type Context, momentOf } from "../../context.ts";
import type { Statements } from "../../db/connection.ts";
import { AppError } from "../../errors.ts";
import { SECOND } from "../../lib/time.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import type { QueuedMail } from "../../outbox/repository.ts";
import { deleteAttempts } from "../attempts/repository.ts";
import { proveFactor, refuseFactor } from "../factors/prove.ts";
import type { SentFactor } from "../factors/schema.ts";
import { checkPassword } from "../passwords/check.ts";
import { wherePasswordInForce } from "../passwords/repository.ts";
import { updateProofs } from "../sessions/repository.ts";
import { issueAccessToken } from "../sessions/tokens.ts";
import type { StepUp } from "./schema.ts";

/** A new authentication of a logged-in user. */
export interface Proven {
  proofs: Proofs;
  /** True while the proofs still hold. */
  whereProven: SQL;
  events: readonly NewAuditEvent[];
  effects: (recorded: SQL) => Statements;
  mails: readonly QueuedMail[];
  /** For the event of the step-up. */
  metadata?: { sign_count_regressed?: true; provider?: string };
  /** The refusal if they no longer hold. */
  refuse(): Promise<AppError>;
}

/**
 * Authenticates the caller again within their session, and issues an access token that says so (RFC 9470). The session and its
 * refresh token stay. Throws `invalid_credentials` for a wrong password, `invalid_code` for a wrong second factor, and `too_many_attempts`.
 */
export async function stepUp(ctx: Context, input: StepUp): Promise<SteppedUpSession> {
  const { acting } = await read(ctx, {});
  const proven = await (input.method === "password"
    ? provePassword(acting, input.password)
    : proveSecondFactor(acting, input));
  return addProofs(acting, proven);
}

/** What a step-up answers: an access token, and what the recent authentications amount to. */
export type SteppedUpSession = Awaited<ReturnType<typeof addProofs>>;

/** Adds proofs to the caller's session, and issues an access token that tells of them. Throws `unauthenticated`, and what `refuse` returns. */
export async function addProofs(acting: Acting, proven: Proven) {
  const { proofs, whereProven, effects } = proven;
  const { sessionId, userId } = requirePerson(acting);
  const credential = { type: "session", sessionId, userId } as const;
  const whereStill = sql`${whereAuthorized(acting, {})} AND ${whereProven}`;
  const { changed, callers } = await commit(acting, {
    change: updateProofs(acting.db, sessionId, proofs, whereStill),
    event: await createAuditEvent(acting, {
      action: "auth.stepped_up",
      targetType: "user",
      targetId: userId,
      metadata: { session_id: sessionId, methods: assess(proofs)?.amr ?? [], ...proven.metadata },
    }),
    furtherEvents: proven.events,
    effects,
    read: { callers: findCaller(acting.db, credential) },
  });
  const principal = toPrincipal(callers[0], credential, momentOf(acting));
  if (principal?.type !== "user") throw new AppError("unauthenticated");
  if (changed.length === 0) throw await proven.refuse();
  deliverSoon(acting, proven.mails);
  return { ...(await issueAccessToken(acting, principal)), ...describeRecent(acting, principal) };
}

async function provePassword(acting: Acting, password: string): Promise<Proven> {
  const { sessionId, userId } = requirePerson(acting);
  const { user, attempt } = await checkPassword(
    acting,
    { kind: "id", key: userId, sessionId },
    password,
  );
  return {
    proofs: { pwd: acting.now() },
    whereProven: wherePasswordInForce(userId, user.passwordVersion),
    effects: (recorded) => ({ attempts: deleteAttempts(acting.db, attempt.key, recorded) }),
    events: [],
    mails: [],
    refuse: async () => new AppError("invalid_credentials"),
  };
}

async function proveSecondFactor(acting: Acting, sent: SentFactor): Promise<Proven> {
  const { userId } = requirePerson(acting);
  const whereAllowed = whereAuthorized(acting, {});
  const proven = await proveFactor(acting, { userId, purpose: "step_up", sent, whereAllowed });
  if (!proven) throw new AppError("unauthenticated");
  return { ...proven, refuse: () => refuseFactor(acting, proven.owner, sent) };
}

/** What counts for a step-up now: the access token tells of the whole session. */
function describeRecent({ config, now }: Context, { proofs }: { proofs: Proofs }) {
  const { stepUpMaxAgeSeconds } = config;
  const since = stepUpMaxAgeSeconds > 0 ? now() - stepUpMaxAgeSeconds * SECOND : undefined;
  const recent = assess(proofs, since);
  if (!recent) throw new Error("no proof after a step-up");
  return { acr: recent.acr, auth_time: Math.floor(recent.authTime / SECOND) };
}
