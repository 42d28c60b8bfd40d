import type { Tokens } from "./api-types.ts";
import { type Refreshed, requestTokens } from "./refresh.ts";
import type { StoredTokens, TokenStorage } from "./token-storage.ts";

/** What the access token says, and the tokens. */
export interface SessionState {
  userId: string;
  sessionId: string;
  role: string;
  permissions: ReadonlySet<string>;
  accessToken: string;
  /** Absent if the refresh token is in a cookie. */
  refreshToken: string | undefined;
  /** When the access token expires, in milliseconds since the Unix epoch. */
  expiresAt: number;
}

/** Why a session has ended by itself: the service refused its refresh token, or the cookie is that of someone else by now. */
export type EndReason = "refused" | "other_user";

/** The tokens that a session begins with. */
export type NewTokens = Pick<Tokens, "access_token" | "refresh_token" | "expires_in">;

/** The session of a client. */
export interface Session {
  /** The current session; undefined if nobody is logged in. Of a `storage`, it is known once `load` has resolved. */
  readonly state: SessionState | undefined;
  /** Why the last session has ended by itself; undefined if it has not. */
  readonly endReason: EndReason | undefined;
  /** Reads the storage, once. Requests do so by themselves. */
  load(): Promise<void>;
  /** Begins a session. Without `refresh_token`, the refresh token is in the cookie of Roster's own pages. */
  start(tokens: NewTokens): Promise<void>;
  /** Goes on with the access token of a step-up. The refresh token stays. */
  replaceAccessToken(tokens: Pick<Tokens, "access_token" | "expires_in">): Promise<void>;
  /**
   * Refreshes the tokens, once for any number of calls at the same time, and not at all if the access token is no longer `stale`, the
   * one that was refused.
   */
  refresh(stale?: string): Promise<Refreshed>;
  /** Forgets the tokens. It does not end the session at the service. */
  forget(): Promise<void>;
  /** Calls the listener after every change. Returns what stops that. */
  subscribe(listener: () => void): () => void;
}

interface SessionOptions {
  refreshUrl: string;
  fetch: (request: Request) => Promise<Response>;
  storage: TokenStorage | undefined;
  onEnd: ((reason: EndReason) => void) | undefined;
}

/** An access token that expires within this time is refreshed before it is used. */
const EARLY_MS = 20_000;
const LOCK = "roster.refresh";

/** True if the access token expires so soon that it must be refreshed before its next use. */
export function isExpiring({ expiresAt }: SessionState): boolean {
  return expiresAt - EARLY_MS < Date.now();
}

export function createSession({ refreshUrl, fetch, storage, onEnd }: SessionOptions): Session {
  let state: SessionState | undefined;
  let endReason: EndReason | undefined;
  let loading: Promise<void> | undefined;
  let refreshing: Promise<Refreshed> | undefined;
  const listeners = new Set<() => void>();

  const set = (next: SessionState | undefined) => {
    state = next;
    for (const listener of listeners) listener();
  };
  const keep = async (next: SessionState | undefined) => {
    endReason = undefined;
    set(next);
    await storage?.save(next && toStored(next));
  };
  const load = () => {
    loading ??= (async () => {
      const stored = await storage?.load();
      if (stored) set(fromStored(stored));
    })();
    // Otherwise the client would need a restart.
    loading.catch(() => {
      loading = undefined;
    });
    return loading;
  };
  const end = async (reason: EndReason): Promise<Refreshed> => {
    const had = state !== undefined;
    endReason = had ? reason : undefined;
    set(undefined);
    // The tokens of someone else are theirs.
    if (reason === "refused") await storage?.save(undefined);
    if (had) onEnd?.(reason);
    return { status: "ended" };
  };

  // Another client with the same storage may have refreshed, or logged out.
  const adoptStored = async (stale: string | undefined): Promise<Refreshed | undefined> => {
    if (!storage) return undefined;
    const stored = await storage.load();
    if (!stored) return state && end("refused");
    const next = fromStored(stored);
    if (state && state.userId !== next.userId) return end("other_user");
    const isNewer = stored.access_token !== (stale ?? state?.accessToken) && !isExpiring(next);
    set(next);
    return isNewer ? { status: "refreshed" } : undefined;
  };

  const refresh = async (stale: string | undefined): Promise<Refreshed> => {
    const adopted = await adoptStored(stale);
    if (adopted) return adopted;
    const before = state;
    const answer = await requestTokens({ url: refreshUrl, fetch, token: state?.refreshToken });
    // Meanwhile, the person has logged out, or has logged in again.
    if (state?.sessionId !== before?.sessionId) return { status: state ? "refreshed" : "ended" };
    if ("status" in answer) return answer.status === "ended" ? end("refused") : answer;
    const next = toState(answer);
    if (state && state.userId !== next.userId) return end("other_user");
    await keep(next);
    return { status: "refreshed" };
  };

  return {
    get state() {
      return state;
    },
    get endReason() {
      return endReason;
    },
    load,
    start: (tokens) => {
      loading = Promise.resolve();
      return keep(toState(tokens));
    },
    async replaceAccessToken(tokens) {
      if (state) await keep({ ...state, ...toState(tokens), refreshToken: state.refreshToken });
    },
    refresh(stale) {
      if (stale !== undefined && state && state.accessToken !== stale) {
        return Promise.resolve({ status: "refreshed" });
      }
      const isShared = storage !== undefined || state?.refreshToken === undefined;
      const run = () => refresh(stale);
      refreshing ??= (isShared ? exclusively(run) : run()).finally(() => {
        refreshing = undefined;
      });
      return refreshing;
    },
    forget: () => keep(undefined),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

// One tab at a time. For the cookie: that of an answer that comes late would replace a newer one, and using that would end the session.
function exclusively<T>(work: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks as LockManager | undefined;
  return locks ? locks.request(LOCK, work) : work();
}

// The lifetime counts from now, because the clock here may be wrong.
function toState({ access_token, refresh_token, expires_in }: NewTokens): SessionState {
  const expires_at = Date.now() + expires_in * 1000;
  return fromStored({ access_token, refresh_token, expires_at });
}

function fromStored({ access_token, refresh_token, expires_at }: StoredTokens): SessionState {
  const { sub, sid, role, scope } = decode(access_token);
  return {
    userId: sub,
    sessionId: sid,
    role,
    permissions: new Set(scope.split(" ").filter(Boolean)),
    accessToken: access_token,
    refreshToken: refresh_token,
    expiresAt: expires_at,
  };
}

function toStored({ accessToken, refreshToken, expiresAt }: SessionState): StoredTokens {
  return { access_token: accessToken, refresh_token: refreshToken, expires_at: expiresAt };
}

/** What the access token says (RFC 9068). */
interface Claims {
  sub: string;
  sid: string;
  role: string;
  scope: string;
}

function decode(token: string): Claims {
  const payload = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
  const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Claims;
}
