import { readRetryAfter } from "./problem.ts";
import { wait } from "./wait.ts";

/** Which requests are repeated, and how often. */
export interface RetryOptions {
  /** How many times a request is sent at most. Default: 3. */
  attempts?: number;
  /** A response that asks for a longer wait is returned. Default: 30. */
  maxWaitSeconds?: number;
}

type Send = (request: Request) => Promise<Response>;

const REPEATABLE = ["GET", "HEAD", "PUT", "PATCH", "DELETE"];

/**
 * Repeats requests that are answered 429, or 503 with `Retry-After`, and those whose answer is lost. A request that may have changed
 * something is repeated after 503 and a lost answer only if that changes nothing more: not a POST without `Idempotency-Key`, and not a
 * request with `If-Match`, which would meet its own change.
 */
export function retrying(
  send: Send,
  { attempts = 3, maxWaitSeconds = 30 }: RetryOptions = {},
): Send {
  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt >= attempts;
      const answer = await send(request.clone() as Request).catch((error: unknown) => ({ error }));
      const seconds = isLast ? undefined : secondsUntilRetry(request, answer, attempt);
      if (seconds === undefined || seconds > maxWaitSeconds) {
        if (answer instanceof Response) return answer;
        throw answer.error;
      }
      await wait(seconds * 1000, request.signal);
    }
  };
}

function secondsUntilRetry(
  request: Request,
  answer: Response | { error: unknown },
  attempt: number,
): number | undefined {
  if (!(answer instanceof Response)) {
    return isRepeatable(request) && !request.signal.aborted ? 2 ** attempt / 8 : undefined;
  }
  if (answer.status === 429) return readRetryAfter(answer);
  return answer.status === 503 && isRepeatable(request) ? readRetryAfter(answer) : undefined;
}

function isRepeatable({ method, headers }: Request): boolean {
  if (headers.has("If-Match")) return false;
  return REPEATABLE.includes(method) || headers.has("Idempotency-Key");
}
