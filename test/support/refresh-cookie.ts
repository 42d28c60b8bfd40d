import { type Answer, type RequestOptions, send } from "./api.ts";
import { createTestUser, PASSWORD } from "./fixtures.ts";
import { notePrivate } from "./leaks.ts";

/** The origin of the service in tests, which is that of its pages. */
export const OWN_ORIGIN = "https://roster.test";

/** Values of `Origin` that are not that of the pages. Null for no header. */
export const FOREIGN_ORIGINS = [
  null,
  "",
  "null",
  "https://evil.example",
  "https://app.roster.test",
  "https://roster.test.evil.example",
  "https://roster.test:8443",
  "https://roster.test:443",
  "http://roster.test",
  "https://roster.test.",
  "https://roster.test/",
  "https://ROSTER.test",
  "https://roster.test https://roster.test",
];

const NAME = "__Secure-roster_refresh";
const ATTRIBUTES = "Path=/v1/auth/refresh; HttpOnly; Secure; SameSite=Strict";

/**
 * The refresh token in the cookie that a response sets. Fails unless it has the attributes that are promised, and lives
 * as long as the token.
 */
export function cookieOf({ headers, body, text }: Answer<any>): string {
  const [cookie = "", ...others] = headers.getSetCookie();
  const [pair = "", ...attributes] = cookie.split("; ");
  const [name, value = ""] = pair.split("=");
  const promised = `Max-Age=${body.refresh_expires_in}; ${ATTRIBUTES}`;
  const isPromised = attributes.join("; ") === promised && others.length === 0;
  if (name !== NAME || value === "" || !isPromised) throw new Error(`no cookie: ${cookie} ${text}`);
  notePrivate(value);
  return value;
}

/** The `Set-Cookie` that removes the cookie. */
export const REMOVED = [`${NAME}=; Max-Age=0; ${ATTRIBUTES}`];

/** The headers of a request from a page: by default, from one of the service. */
export function fromPage(origin: string | null = OWN_ORIGIN, cookie?: string) {
  return {
    ...(origin !== null && { Origin: origin }),
    ...(cookie !== undefined && { Cookie: `${NAME}=${cookie}` }),
  };
}

/** Refreshes as a page of the service does: without a body, with the cookie. */
export function refreshByCookie(cookie: string, options: RequestOptions = {}) {
  const headers = { ...fromPage(OWN_ORIGIN, cookie), ...options.headers };
  return send("/v1/auth/refresh", { method: "POST", ...options, headers });
}

/** A user who stays signed in. */
export async function createStayingUser() {
  const user = await createTestUser();
  const body = { username: user.username, password: PASSWORD, stay_signed_in: true };
  const answer = await send("/v1/auth/login", { body, headers: fromPage() });
  return { ...user, token: answer.body.access_token as string, cookie: cookieOf(answer) };
}
