import type { Context as HonoContext } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Context, IdempotentRequest } from "../context.ts";
import { findUniqueViolation } from "../db/errors.ts";
import { AppError, type ErrorCode } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { readIdempotencyKey } from "../http/idempotency-key.ts";
import { respondWithError } from "../http/on-error.ts";
import { matchedRoute } from "../http/request-log.ts";
import { requireValidKey } from "../http/validation.ts";
import {
  type KeepAnswer,
  keepAnswer,
  keepFirstAnswer,
  keepNothing,
  prepareRequest,
  Replay,
  readAnswer,
} from "./answers.ts";
import type { StoredAnswer } from "./request.ts";

/** The response of an operation: what its result looks like to the client. */
interface Answer<B, S> {
  status: S;
  headers: Readonly<Record<string, string>>;
  body: B;
}

interface Once<T, B, S> {
  /** Calls the service. It must pass on the context and `keep`. */
  run(ctx: Context, keep: KeepAnswer<T>): Promise<T>;
  /** Presents the result. Depends on nothing else, because it is called before the result is stored. */
  present(result: T): Answer<B, S>;
  /**
   * Stores the answer once the service has returned, for a service with several transactions, which therefore must not repeat
   * what an interrupted request has done.
   */
  isKeptAfterwards?: true;
}

/** Longer answers are not stored afterwards: D1 takes 2 MB per value, and sealing lengthens them. */
const MAX_KEPT_LENGTH = 512 * 1024;

/**
 * Handles a request of an operation that declares `IdempotencyKey`. With a key, the response is stored in the transaction of the
 * change, and a repetition of the request gets it again. So is a refusal by the service, except 401, 403, 429 and what may pass.
 * Without a key it only calls the service and presents its result. Throws `idempotency_key_reused`, `request_in_progress`.
 */
export async function answerOnce<T, B extends object, S extends 200 | 201>(
  c: HonoContext<AppEnv>,
  { run, present, isKeptAfterwards }: Once<T, B, S>,
) {
  await requireValidKey(c);
  const key = readIdempotencyKey(c);
  const typed = (answer: StoredAnswer, isReplayed = false) =>
    respond(c, answer, isReplayed) as ReturnType<typeof c.json<B, S>>;
  if (key === undefined) {
    return typed(toStored(present(await run(c.get("ctx"), keepNothing))));
  }
  const { ctx, request } = await openRequest(c, key);
  let answer: StoredAnswer | undefined;
  try {
    const result = await run(ctx, async (expected, userId) => {
      answer = toStored(present(expected));
      return keepAnswer(ctx, request, answer, userId);
    });
    answer ??= toStored(present(result));
    if (!isKeptAfterwards || answer.body.length > MAX_KEPT_LENGTH) return typed(answer);
    const earlier = await keepFirstAnswer(ctx, request, answer);
    return typed(earlier ?? answer, earlier !== undefined);
  } catch (error) {
    const earlier = await settle(c, { ctx, request, error });
    return typed(earlier, true);
  }
}

async function openRequest(c: HonoContext<AppEnv>, key: string) {
  const ctx = c.get("ctx");
  const request = await prepareRequest(ctx, {
    key,
    operation: `${c.req.method} ${matchedRoute(c)}`,
    content: [c.req.path, c.req.header("If-Match") ?? "", await c.req.text()],
  });
  return { ctx: { ...ctx, idempotency: request }, request };
}

interface Failure {
  ctx: Context;
  request: IdempotentRequest;
  error: unknown;
}

/** The earlier answer to a request whose service failed. Throws the error if this was the first such request. */
async function settle(
  c: HonoContext<AppEnv>,
  { ctx, request, error }: Failure,
): Promise<StoredAnswer> {
  if (error instanceof Replay) return error.answer;
  if (findUniqueViolation(error)?.startsWith("idempotency_keys.")) {
    const winner = await readAnswer(ctx, request);
    if (!winner) throw new AppError("request_in_progress", { cause: error });
    return winner;
  }
  if (!isFinal(error)) throw error;
  const earlier = await keepFirstAnswer(ctx, request, await toStoredRefusal(c, error));
  if (!earlier) throw error;
  return earlier;
}

/** Refusals after which the client may repeat the request with the same key, and have it carried out. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "edit_conflict",
  "idempotency_key_reused",
  "request_in_progress",
]);
const PASSING_STATUSES: readonly number[] = [401, 403, 429];

function isFinal(error: unknown): error is AppError {
  if (!(error instanceof AppError) || error.status >= 500) return false;
  return !PASSING.has(error.code) && !PASSING_STATUSES.includes(error.status);
}

function toStored({ status, headers, body }: Answer<object, number>): StoredAnswer {
  const type = { "Content-Type": "application/json" };
  return { status, headers: { ...type, ...headers }, body: JSON.stringify(body) };
}

async function toStoredRefusal(c: HonoContext<AppEnv>, error: AppError): Promise<StoredAnswer> {
  const response = respondWithError(c, error);
  const names = ["Content-Type", "Cache-Control"];
  const headers = names.map((name) => [name, response.headers.get(name) ?? ""] as const);
  return {
    status: response.status,
    headers: Object.fromEntries(headers),
    body: await response.text(),
  };
}

function respond(
  c: HonoContext<AppEnv>,
  { status, headers, body }: StoredAnswer,
  isReplayed: boolean,
): Response {
  for (const [name, value] of Object.entries(headers)) {
    c.header(name, value, { append: name === "Vary" });
  }
  if (isReplayed) c.header("Idempotency-Replayed", "true");
  return c.body(body, status as ContentfulStatusCode);
}
