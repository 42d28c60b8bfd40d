import { readCode } from "./problem.ts";
import { isExpiring, type Session } from "./session.ts";
import type { Refusal, StepUpMethod } from "./step-up.ts";

type Fetch = (request: Request) => Promise<Response>;

interface SendOptions {
  /** Where credentials may go. */
  origin: string;
  fetch: Fetch;
  session: Session;
  apiKey: string | undefined;
  /** Whether to repeat a request that needs a step-up. Undefined: never. */
  stepUp: ((refusal: Refusal) => Promise<boolean>) | undefined;
}

/** People with a second factor prove two, one after the other. The third repetition is for another request's step-up in between. */
const MAX_STEP_UPS = 3;
const NEEDS_STEP_UP = "insufficient_user_authentication";

/**
 * `fetch` with the credential of the client. Refreshes the access token if it has expired or is refused, asks for step-up, and repeats
 * the request.
 */
export function createSend(options: SendOptions): Fetch {
  const { origin, session, apiKey } = options;
  const sendOnce = withCredential(options);
  return async (request) => {
    if (new URL(request.url).origin !== origin) {
      throw new TypeError(`This client sends requests to ${origin} only.`);
    }
    if (apiKey !== undefined) return sendOnce(request);
    await session.load();
    const unavailable = session.state && isExpiring(session.state) && (await renew(session));
    if (unavailable) return unavailable;
    const response = await sendOrRenew(session, request, sendOnce);
    return proveAndRepeat(options, { request, response, sendOnce });
  };
}

async function sendOrRenew(session: Session, request: Request, sendOnce: Fetch): Promise<Response> {
  const used = session.state?.accessToken;
  const response = await sendOnce(request);
  if (used === undefined || !(await isRefused(response, "unauthenticated"))) return response;
  const unavailable = await renew(session, used);
  if (unavailable) return unavailable;
  return session.state ? sendOnce(request) : response;
}

async function isRefused(response: Response, code: string): Promise<boolean> {
  return response.status === 401 && (await readCode(response)) === code;
}

// The response of a refresh that the service could not answer is that of the request, too.
async function renew(session: Session, stale?: string): Promise<Response | undefined> {
  const refreshed = await session.refresh(stale ?? session.state?.accessToken);
  if (refreshed.status !== "unavailable") return undefined;
  if ("error" in refreshed) throw refreshed.error;
  return refreshed.response.clone();
}

interface Repeatable {
  request: Request;
  response: Response;
  sendOnce: Fetch;
}

async function proveAndRepeat(
  { session, stepUp }: SendOptions,
  { request, response: first, sendOnce }: Repeatable,
): Promise<Response> {
  let response = first;
  const done = new Set<StepUpMethod>();
  for (let round = 0; round < MAX_STEP_UPS; round++) {
    if (!stepUp || !(await isRefused(response, NEEDS_STEP_UP))) break;
    const accessToken = session.state?.accessToken;
    if (!(await stepUp({ response, accessToken, done }))) break;
    response = await sendOnce(request);
  }
  return response;
}

const BOOKMARK = "X-D1-Bookmark";

// A response is at least as recent as the last one, also if a read replica answers.
function withCredential({ fetch, session, apiKey }: SendOptions): Fetch {
  let bookmark: string | undefined;
  return async (request) => {
    const copy = request.clone() as Request;
    const { headers } = copy;
    const token = session.state?.accessToken;
    if (apiKey !== undefined) headers.set("X-API-Key", apiKey);
    else if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
    if (bookmark !== undefined && !headers.has(BOOKMARK)) headers.set(BOOKMARK, bookmark);
    const response = await fetch(copy);
    bookmark = response.headers.get(BOOKMARK) ?? bookmark;
    return response;
  };
}
