import type { Tokens } from "./api-types.ts";
import { readRetryAfter } from "./problem.ts";
import { wait } from "./wait.ts";

/**
 * What came of a refresh. `unavailable`: the service could not be reached (`error`) or could not answer (`response`), and the session goes
 * on.
 */
export type Refreshed =
  | { status: "refreshed" }
  | { status: "ended" }
  | { status: "unavailable"; response: Response }
  | { status: "unavailable"; error: unknown };

interface RefreshRequest {
  url: string;
  fetch: (request: Request) => Promise<Response>;
  /** Undefined if it is in a cookie. */
  token: string | undefined;
}

/** The service gives the same successor for a refresh token for 30 seconds: so long, an answer that was lost can be asked for again. */
const RETRY_MS = 25_000;
const PAUSES_MS = [250, 1000, 4000];
/** The token is refused. 422: there is no cookie. */
const REFUSED = [401, 403, 422];
const LOST = [502, 503, 504];

/** Exchanges a refresh token. Repeats the request if its answer is lost. Only a refusal ends the session. */
export async function requestTokens(request: RefreshRequest): Promise<Tokens | Refreshed> {
  const deadline = Date.now() + RETRY_MS;
  for (const pause of PAUSES_MS) {
    const answer = await attempt(request);
    if (!("response" in answer || "error" in answer)) return answer;
    const ms = msUntilRetry(answer, pause);
    if (ms === undefined || Date.now() + ms > deadline) return answer;
    await wait(ms);
  }
  return attempt(request);
}

function msUntilRetry(
  answer: Extract<Refreshed, { status: "unavailable" }>,
  pause: number,
): number | undefined {
  if (!("response" in answer)) return pause;
  if (!LOST.includes(answer.response.status)) return undefined;
  return Math.max(pause, (readRetryAfter(answer.response) ?? 0) * 1000);
}

async function attempt({ url, fetch, token }: RefreshRequest): Promise<Tokens | Refreshed> {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ refresh_token: token });
  try {
    const response = await fetch(
      new Request(url, { method: "POST", ...(token !== undefined && { headers, body }) }),
    );
    if (response.ok) return (await response.json()) as Tokens;
    return REFUSED.includes(response.status)
      ? { status: "ended" }
      : { status: "unavailable", response };
  } catch (error) {
    return { status: "unavailable", error };
  }
}
