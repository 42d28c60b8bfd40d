import type { Context as HonoContext } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { Context } from "../../context.ts";
import { AppError, invalidField } from "../../errors.ts";
import type { AppEnv } from "../../http/app-env.ts";
import { refreshSession } from "./refresh.ts";
import type { Refresh, Tokens } from "./schema.ts";
import type { TokenSet } from "./tokens.ts";

/** Without the prefix `__Secure-`, which browsers accept only over https and with `Secure` (RFC 6265bis section 4.1.3.1). */
const NAME = "roster_refresh";

/** No script can read the cookie, no request from another site has it, and no other operation gets it. The prefix sets `Secure`. */
const ATTRIBUTES = {
  prefix: "secure",
  path: "/v1/auth/refresh",
  httpOnly: true,
  sameSite: "Strict",
} as const;

/**
 * Answers with the tokens that `run` returns. For a browser that stays signed in, the refresh token is in the cookie and not in the
 * body; `run` is not called for a request that may not stay signed in. Throws `origin_not_allowed`.
 */
export async function answerTokens(
  c: HonoContext<AppEnv>,
  staysSignedIn: boolean | undefined,
  run: (ctx: Context) => Promise<TokenSet>,
): Promise<Tokens> {
  requireMayStay(c, staysSignedIn);
  return presentTokens(c, staysSignedIn, await run(c.get("ctx")));
}

/**
 * Throws `origin_not_allowed` unless a browser that is to stay signed in shows a page of this service. Call it before anything is
 * counted or used up.
 */
export function requireMayStay(c: HonoContext<AppEnv>, staysSignedIn: boolean | undefined): void {
  if (staysSignedIn) requireOwnOrigin(c);
}

/** The tokens as the response shows them: without the refresh token, which goes into the cookie, if the browser stays signed in. */
export function presentTokens(
  c: HonoContext<AppEnv>,
  staysSignedIn: boolean | undefined,
  tokens: TokenSet,
): Tokens {
  if (!staysSignedIn) return tokens;
  const { refresh_token, ...others } = tokens;
  setCookie(c, NAME, refresh_token, { ...ATTRIBUTES, maxAge: tokens.refresh_expires_in });
  return others;
}

/**
 * Refreshes with the token in the body or, if there is no body, with the cookie, which then gets the successor. A cookie that is refused
 * is removed. Throws `validation_failed`, `origin_not_allowed` and `invalid_refresh_token`.
 */
export async function answerRefresh(
  c: HonoContext<AppEnv>,
  body: Partial<Refresh>,
): Promise<Tokens> {
  const ctx = c.get("ctx");
  if (body.refresh_token !== undefined) return refreshSession(ctx, body.refresh_token);
  try {
    return presentTokens(c, true, await refreshSession(ctx, requireRefreshCookie(c)));
  } catch (error) {
    const isRefused = error instanceof AppError && error.code === "invalid_refresh_token";
    if (isRefused) clearRefreshCookie(c);
    throw error;
  }
}

/** The refresh token in the cookie. Throws `validation_failed` if there is none, and `origin_not_allowed`. */
export function requireRefreshCookie(c: HonoContext<AppEnv>): string {
  const cookie = getCookie(c, NAME, ATTRIBUTES.prefix);
  if (!cookie) throw invalidField("refresh_token", "required", "Required.");
  requireOwnOrigin(c);
  return cookie;
}

/** Removes the cookie from the browser. */
export function clearRefreshCookie(c: HonoContext<AppEnv>): void {
  deleteCookie(c, NAME, ATTRIBUTES);
}

// Browsers send `Origin` with every POST, and no page can change it (Fetch, section 3.2).
function requireOwnOrigin(c: HonoContext<AppEnv>): void {
  const { appUrl } = c.get("ctx").config;
  if (appUrl === undefined || c.req.header("Origin") !== appUrl) {
    throw new AppError("origin_not_allowed");
  }
}
