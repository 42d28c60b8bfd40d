// The session of this page. Tokens are kept in memory only: a reload logs in again, unless the refresh token is in the cookie of
// "stay signed in", which no script can read.
import { useEffect, useState } from "preact/hooks";

/** The answer of every way to log in, and of a refresh. */
export interface Tokens {
  access_token: string;
  refresh_token?: string | undefined;
}

/** What the access token says (RFC 9068). */
interface Claims {
  sub: string;
  sid: string;
  role: string;
  scope: string;
  acr: string;
  exp: number;
}

export interface Session {
  userId: string;
  sessionId: string;
  role: string;
  permissions: ReadonlySet<string>;
  accessToken: string;
  /** Absent if the refresh token is in the cookie. */
  refreshToken: string | undefined;
  /** When the access token expires, in milliseconds. */
  expiresAt: number;
}

const EARLY_MS = 20_000;
/** Says that there is a cookie to log in with. It is no token: it saves people without the cookie a request that fails. */
const STAYS = "roster.stays_signed_in";

let current: Session | undefined;
let ended = false;
let refreshing: Promise<boolean> | undefined;
const listeners = new Set<() => void>();

/** The current session; undefined if nobody is logged in. */
export function getSession(): Session | undefined {
  return current;
}

/** The current session, in a component, which is rendered again when it changes. */
export function useSession(): Session | undefined {
  const [session, setSession] = useState(current);
  useEffect(() => {
    const update = () => setSession(current);
    listeners.add(update);
    update();
    return () => void listeners.delete(update);
  }, []);
  return session;
}

/** True if the last session of this page has ended by itself. */
export function hasEnded(): boolean {
  return ended;
}

/** Begins a session. Without `refresh_token`, the refresh token is in the cookie. */
export function startSession(tokens: Tokens): void {
  ended = false;
  setStays(tokens.refresh_token === undefined);
  adopt(tokens);
}

function adopt({ access_token, refresh_token }: Tokens): void {
  const { sub, sid, role, scope, exp } = decode(access_token);
  setCurrent({
    userId: sub,
    sessionId: sid,
    role,
    permissions: new Set(scope.split(" ").filter(Boolean)),
    accessToken: access_token,
    refreshToken: refresh_token,
    expiresAt: exp * 1000,
  });
}

/** Goes on with the access token of a step-up. The refresh token stays. */
export function replaceAccessToken(accessToken: string): void {
  if (!current) return;
  setCurrent({ ...current, accessToken, expiresAt: decode(accessToken).exp * 1000 });
}

/** Forgets the session in this page. It does not end it at the service. */
export function forgetSession(): void {
  setStays(false);
  setCurrent(undefined);
}

/** Logs in with the cookie of "stay signed in", if there may be one. */
export async function resumeSession(): Promise<void> {
  if (readStays()) await refreshSession();
}

/** True if the access token expires so soon that it must be refreshed before its next use. */
export function isExpiring(session: Session): boolean {
  return session.expiresAt - EARLY_MS < Date.now();
}

/** Refreshes the tokens, once for any number of calls at the same time. False if the session has ended. */
export function refreshSession(): Promise<boolean> {
  const token = current?.refreshToken;
  refreshing ??= (token ? refresh(token) : refreshWithCookie()).finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

// One tab at a time: the cookie of an answer that comes late would replace a newer one, and using that would end the session.
function refreshWithCookie(): Promise<boolean> {
  return navigator.locks.request("roster.refresh", () => refresh(undefined));
}

async function refresh(token: string | undefined): Promise<boolean> {
  const response = await fetch("/v1/auth/refresh", {
    method: "POST",
    ...(token && {
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ refresh_token: token }),
    }),
  });
  if (response.ok) {
    const tokens = (await response.json()) as Tokens;
    const isOther = current !== undefined && decode(tokens.access_token).sub !== current.userId;
    if (!isOther) adopt(tokens);
    // Someone else has logged in, in another tab, and the cookie is theirs. What this page shows is not.
    else end();
    return !isOther;
  }
  // Only a refusal ends the session: an overloaded service does not. 422: there is no cookie.
  if ([401, 403, 422].includes(response.status)) {
    if (!token) setStays(false);
    end();
  }
  return false;
}

function end(): void {
  ended = current !== undefined;
  setCurrent(undefined);
}

function setCurrent(session: Session | undefined): void {
  current = session;
  for (const listener of listeners) listener();
}

function decode(token: string): Claims {
  const payload = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
  const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Claims;
}

function readStays(): boolean {
  try {
    return localStorage.getItem(STAYS) !== null;
  } catch {
    return false;
  }
}

// Browsers may refuse storage.
function setStays(stays: boolean): void {
  try {
    if (stays) localStorage.setItem(STAYS, "1");
    else localStorage.removeItem(STAYS);
  } catch {}
}
