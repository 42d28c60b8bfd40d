import { AuthError } from "./auth-error.ts";

export interface IntrospectOptions {
  /** An API key with the scope `tokens:introspect`. */
  apiKey: string;
  /** Default: `/v1/auth/introspect` of the issuer. */
  url?: string;
  /** How long an answer is used again, 0 to 60 seconds. It adds to the time in which Roster itself notices. Default: 10. */
  cacheSeconds?: number;
}

/** What introspection says about an active token (RFC 7662). */
export interface ActiveToken {
  active: true;
  sub: string;
  role: string;
  scope: string;
}

type Introspection = ActiveToken | { active: false };

const MAX_ENTRIES = 10_000;
const TIMEOUT_MS = 5_000;

interface Entry {
  answer: Promise<Introspection>;
  until: number;
}

type Fetch = (request: Request) => Promise<Response>;

/**
 * Creates the function that asks Roster whether a token is active. It throws `invalid_token` if it is not, and `verification_unavailable`
 * if Roster does not say: nothing is let through without an answer. Answers are kept under the hash of the token.
 */
export function createIntrospector(options: Required<IntrospectOptions>, fetch: Fetch) {
  const seconds = Math.min(Math.max(options.cacheSeconds, 0), 60);
  const entries = new Map<string, Entry>();
  return async (token: string): Promise<ActiveToken> => {
    const name = await hash(token);
    let entry = entries.get(name);
    if (!entry || entry.until <= Date.now()) {
      entry = { answer: request(token, options, fetch), until: Date.now() + seconds * 1000 };
      remember(entries, name, entry);
      // An answer that failed is not kept.
      entry.answer.catch(() => entries.delete(name));
    }
    const answer = await entry.answer;
    if (!answer.active) throw new AuthError("invalid_token");
    return answer;
  };
}

function remember(entries: Map<string, Entry>, name: string, entry: Entry): void {
  entries.delete(name);
  entries.set(name, entry);
  const [oldest] = entries.keys();
  if (entries.size > MAX_ENTRIES && oldest !== undefined) entries.delete(oldest);
}

async function request(
  token: string,
  { url, apiKey }: Required<IntrospectOptions>,
  fetch: Fetch,
): Promise<Introspection> {
  const question = new Request(url, {
    method: "POST",
    headers: { "X-API-Key": apiKey },
    body: new URLSearchParams({ token }),
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  try {
    const response = await fetch(question);
    if (!response.ok) throw refusal(response);
    const answer = (await response.json()) as Introspection;
    return answer.active === true ? answer : { active: false };
  } catch (cause) {
    if (cause instanceof AuthError) throw cause;
    throw new AuthError("verification_unavailable", { cause });
  }
}

function refusal({ status, headers }: Response): AuthError {
  const cause = new Error(`Introspection answers ${status}.`);
  const seconds = Number(headers.get("Retry-After"));
  return new AuthError("verification_unavailable", {
    cause,
    ...(seconds > 0 && { retryAfter: seconds }),
  });
}

async function hash(token: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return String.fromCharCode(...new Uint8Array(digest));
}
