import { type SQL, sql } from "drizzle-orm";
import { type Context, type IdempotentRequest, momentOf } from "../context.ts";
import type { Statement } from "../db/statement.ts";
import { AppError, type Fault } from "../errors.ts";
import { DAY, expiredUntil } from "../lib/time.ts";
import { deleteExpiredAnswer, insertAnswer, insertFirstAnswer, listAnswers } from "./repository.ts";
import {
  identifyRequest,
  type KeyedRequest,
  openAnswer,
  type StoredAnswer,
  sealAnswer,
} from "./request.ts";

const RETENTION_MS = DAY;

const REUSED: Fault = {
  path: "Idempotency-Key",
  code: "reused",
  message: "Was used for another request.",
};

/** The statements that store an answer in the transaction of its change. */
type AnswerEffects = Record<"expiredAnswer" | "answer", Statement | false>;

/** Creates the effects of a commit that store the answer, if the request has an `Idempotency-Key`. `recorded` as in `commit`. */
export type KeptAnswer = (recorded: SQL) => AnswerEffects;

/**
 * Prepares the answer to a request from the result that a commit is about to have. A service that creates something must call it,
 * and add the effects that it returns to the commit. `userId` is whom the answer is about: it is deleted with them.
 */
export type KeepAnswer<T> = (result: T, userId: string) => Promise<KeptAnswer>;

/** For requests without an `Idempotency-Key`. */
export async function keepNothing(): Promise<KeptAnswer> {
  return () => ({ expiredAnswer: false, answer: false });
}

/** Thrown to answer a request as it was answered before. */
export class Replay extends Error {
  override readonly name = "Replay";
  readonly answer: StoredAnswer;

  constructor(answer: StoredAnswer) {
    super("answered before");
    this.answer = answer;
  }
}

/** Prepares the lookup of earlier answers, which `read` sends together with its own statements. */
export async function prepareRequest(
  ctx: Context,
  request: KeyedRequest,
): Promise<IdempotentRequest> {
  const ids = await identifyRequest(ctx, request);
  return { ...request, ids, answers: listAnswers(ctx.db, ids), found: undefined };
}

/**
 * Throws the earlier answer to this request, if it has an `Idempotency-Key` and was answered before. Services call it once it is
 * decided that the caller may do this, and before anything else. Throws `idempotency_key_reused`.
 */
export async function requireUnanswered(ctx: Context): Promise<void> {
  const { idempotency } = ctx;
  if (!idempotency) return;
  idempotency.found ??= (await ctx.d1.send({ found: idempotency.answers })).found;
  const answer = await findAnswer(ctx, idempotency);
  if (answer) throw new Replay(answer);
}

/** The answer to this request that another one has stored in the meantime. Throws `idempotency_key_reused`. */
export async function readAnswer(
  ctx: Context,
  request: IdempotentRequest,
): Promise<StoredAnswer | undefined> {
  request.found = (await ctx.d1.send({ found: request.answers })).found;
  return findAnswer(ctx, request);
}

/** The effects that store the answer of a change in its transaction. If there is one already, the transaction fails. */
export async function keepAnswer(
  ctx: Context,
  request: IdempotentRequest,
  answer: StoredAnswer,
  userId: string,
): Promise<KeptAnswer> {
  const row = await toRow(ctx, request, answer, userId);
  return (recorded) => ({
    expiredAnswer:
      hasExpired(ctx, request) &&
      deleteExpiredAnswer(ctx.db, row.id, expiredUntil(momentOf(ctx), RETENTION_MS), recorded),
    answer: insertAnswer(ctx.db, row, recorded),
  });
}

/**
 * Stores the answer to a request outside of a change. If a concurrent request has stored one, that is the answer. Throws
 * `idempotency_key_reused`.
 */
export async function keepFirstAnswer(
  ctx: Context,
  request: IdempotentRequest,
  answer: StoredAnswer,
): Promise<StoredAnswer | undefined> {
  const row = await toRow(ctx, request, answer, ctx.access?.principal?.userId ?? null);
  const { inserted, found } = await ctx.d1.send({
    expired:
      hasExpired(ctx, request) &&
      deleteExpiredAnswer(ctx.db, row.id, expiredUntil(momentOf(ctx), RETENTION_MS), sql`true`),
    inserted: insertFirstAnswer(ctx.db, row),
    found: request.answers,
  });
  if (inserted.length > 0) return undefined;
  request.found = found;
  return findAnswer(ctx, request);
}

async function toRow(
  ctx: Context,
  request: IdempotentRequest,
  answer: StoredAnswer,
  userId: string | null,
) {
  const [id = ""] = request.ids;
  const sealedAnswer = await sealAnswer(ctx, request, id, answer);
  return { id, userId, sealedAnswer, expiresAt: ctx.now() + RETENTION_MS };
}

// What has expired is deleted every hour. Until then it must make room for a new answer.
function hasExpired(ctx: Context, { found = [] }: IdempotentRequest): boolean {
  return found.some(({ expiresAt }) => expiresAt <= expiredUntil(momentOf(ctx), RETENTION_MS));
}

async function findAnswer(
  ctx: Context,
  request: IdempotentRequest,
): Promise<StoredAnswer | undefined> {
  const live = request.found?.find(
    ({ expiresAt }) => expiresAt > expiredUntil(momentOf(ctx), RETENTION_MS),
  );
  if (!live) return undefined;
  const answer = await openAnswer(ctx, request, { ...live, index: request.ids.indexOf(live.id) });
  if (!answer) throw new AppError("idempotency_key_reused", { faults: [REUSED] });
  return answer;
}
