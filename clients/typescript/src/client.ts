import createClient, { type Client } from "openapi-fetch";
import type { paths, Schemas, Tokens } from "./api-types.ts";
import { begin, type LoginOutcome } from "./login.ts";
import { ok } from "./problem.ts";
import { REPLAYABLE } from "./replayable.ts";
import { type RetryOptions, retrying } from "./retry.ts";
import { createSend } from "./send.ts";
import { createSession, type EndReason, type NewTokens, type Session } from "./session.ts";
import { createStepUp, type OnStepUp, type StepUpProof } from "./step-up.ts";
import type { TokenStorage } from "./token-storage.ts";

export interface RosterClientOptions {
  /** Where Roster is, for example `https://accounts.example.com`. */
  baseUrl: string;
  /** The API key to send. Without it, the client has a session. */
  apiKey?: string;
  /** The tokens of a session that goes on. */
  tokens?: NewTokens;
  /** Where the tokens of the session are kept. Default: in memory. */
  storage?: TokenStorage;
  /** Asks the person to confirm who they are. Without it, such requests are refused. */
  onStepUp?: OnStepUp;
  /** Called when the session has ended by itself. Ask the person to log in again. */
  onSessionEnd?: (reason: EndReason) => void;
  /** Repeats requests that are answered 429 or 503. Default: off. */
  retry?: RetryOptions;
  /** Sends requests instead of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

/** The methods of openapi-fetch (`GET`, `POST`, …), and the session. */
export interface RosterClient extends Client<paths> {
  readonly session: Session;
  /** Logs in with a username or an email, and the password. */
  logIn(body: Schemas["Login"]): Promise<LoginOutcome>;
  /** Completes a login with a second factor. */
  logInWithSecondFactor(body: Schemas["VerifyMfa"]): Promise<LoginOutcome>;
  /** Logs in with the link or the code of an email, after POST /v1/auth/email-login. */
  logInByEmail(body: Schemas["VerifyEmailLogin"]): Promise<LoginOutcome>;
  /** Logs in with a passkey, after POST /v1/auth/passkey/options. */
  logInByPasskey(body: Schemas["PasskeyLogin"]): Promise<LoginOutcome>;
  /** Logs in with the code that a login provider's redirect has brought. */
  logInByProvider(body: Schemas["Exchange"]): Promise<LoginOutcome>;
  /** Begins a session with the tokens of a request of your own, as the methods above do. */
  begin(tokens: Promise<Tokens>): Promise<LoginOutcome>;
  /** Ends the session at the service and forgets it here, whatever the service answers. */
  logOut(): Promise<void>;
  /** `fetch` with the client's credential, for what openapi-fetch cannot type, such as streams. Only for requests to Roster. */
  send(request: Request): Promise<Response>;
}

/** Creates a client of Roster's API. */
export function createRosterClient(options: RosterClientOptions): RosterClient {
  const { baseUrl, apiKey, tokens, storage, onStepUp, onSessionEnd } = options;
  const fetchOnce = options.fetch ?? ((request: Request) => globalThis.fetch(request));
  const refreshUrl = `${baseUrl.replace(/\/$/, "")}/v1/auth/refresh`;
  const session = createSession({ refreshUrl, fetch: fetchOnce, storage, onEnd: onSessionEnd });
  if (tokens) void session.start(tokens);
  const stepUp =
    onStepUp &&
    createStepUp({
      session,
      onStepUp,
      send: (proof) => sendProof(api, proof),
    });
  const fetch = options.retry ? retrying(fetchOnce, options.retry) : fetchOnce;
  const send = createSend({ origin: new URL(baseUrl).origin, fetch, session, apiKey, stepUp });
  // A redirect could lead the API key elsewhere.
  const api = createClient<paths>({ baseUrl, fetch: send, redirect: "manual" });
  api.use({ onRequest: ({ request, schemaPath }) => addIdempotencyKey(request, schemaPath) });
  const beginSession = (tokens: Promise<Tokens>) => begin(session, tokens);
  return Object.assign(api, {
    session,
    send,
    begin: beginSession,
    ...loginMethods(api, beginSession),
    async logOut() {
      try {
        await api.POST("/v1/auth/logout");
      } finally {
        await session.forget();
      }
    },
  });
}

function loginMethods(
  api: Client<paths>,
  beginSession: RosterClient["begin"],
): Pick<
  RosterClient,
  "logIn" | "logInWithSecondFactor" | "logInByEmail" | "logInByPasskey" | "logInByProvider"
> {
  return {
    logIn: (body) => beginSession(ok(api.POST("/v1/auth/login", { body }))),
    logInWithSecondFactor: (body) => beginSession(ok(api.POST("/v1/auth/mfa/verify", { body }))),
    logInByEmail: (body) => beginSession(ok(api.POST("/v1/auth/email-login/verify", { body }))),
    logInByPasskey: (body) => beginSession(ok(api.POST("/v1/auth/passkey/login", { body }))),
    logInByProvider: (body) => beginSession(exchange(api, body)),
  };
}

async function exchange(api: Client<paths>, body: Schemas["Exchange"]): Promise<Tokens> {
  const answer = await ok(api.POST("/v1/auth/exchange", { body }));
  if ("refresh_expires_in" in answer) return answer;
  throw new TypeError("This code is not that of a login, but of a link or a step-up.");
}

async function sendProof(api: Client<paths>, proof: StepUpProof): Promise<Schemas["SteppedUp"]> {
  if (proof.method !== "provider") return ok(api.POST("/v1/auth/step-up", { body: proof }));
  const { method: _, ...body } = proof;
  const answer = await ok(api.POST("/v1/auth/exchange", { body }));
  if ("acr" in answer && !("refresh_expires_in" in answer)) return answer;
  throw new TypeError("This code is not that of a step-up, but of a login or a link.");
}

// The key is part of the request, so whatever repeats the request repeats the key.
function addIdempotencyKey({ method, headers }: Request, path: string): void {
  if (method !== "POST" || !REPLAYABLE.has(path) || headers.has("Idempotency-Key")) return;
  headers.set("Idempotency-Key", newKey());
}

// `crypto.randomUUID` is missing from pages without https.
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
