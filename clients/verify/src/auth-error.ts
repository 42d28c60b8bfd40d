const ERRORS = {
  unauthenticated: {
    status: 401,
    title: "Authentication required",
    detail: "Send an access token as `Authorization: Bearer <token>`.",
  },
  invalid_token: {
    status: 401,
    title: "Invalid access token",
    detail: "The access token is invalid or expired. Refresh it, or log in again.",
  },
  insufficient_scope: {
    status: 403,
    title: "Permission missing",
    detail: "Your account does not have the permission that this needs.",
  },
  verification_unavailable: {
    status: 503,
    title: "Access tokens cannot be verified",
    detail: "Try again later.",
  },
} as const;

export type AuthErrorCode = keyof typeof ERRORS;

interface AuthErrorOptions extends ErrorOptions {
  /** The permissions that were needed. */
  permissions?: readonly string[];
  /** The seconds of `Retry-After`. */
  retryAfter?: number;
}

/** Why a request is refused, as an error of RFC 6750. `toResponse` makes it a problem document. */
export class AuthError extends Error {
  override name = "AuthError";
  readonly code: AuthErrorCode;
  readonly status: 401 | 403 | 503;
  readonly #title: string;
  readonly #headers: Record<string, string>;

  constructor(code: AuthErrorCode, options: AuthErrorOptions = {}) {
    const { status, title, detail } = ERRORS[code];
    super(detail, options);
    this.code = code;
    this.status = status;
    this.#title = title;
    this.#headers = toHeaders(code, options);
  }

  /** The headers and the body of the response (RFC 9457). */
  toProblem(): { status: number; headers: Record<string, string>; body: string } {
    const { status, code, message: detail } = this;
    const body = JSON.stringify({ type: "about:blank", title: this.#title, status, detail, code });
    const headers = { "Content-Type": "application/problem+json", "Cache-Control": "no-store" };
    return { status, headers: { ...headers, ...this.#headers }, body };
  }
}

function toHeaders(
  code: AuthErrorCode,
  { permissions = [], retryAfter = 5 }: AuthErrorOptions,
): Record<string, string> {
  switch (code) {
    case "unauthenticated":
      return { "WWW-Authenticate": "Bearer" };
    case "invalid_token":
      return { "WWW-Authenticate": 'Bearer error="invalid_token"' };
    case "insufficient_scope": {
      const scope = permissions.join(" ");
      return { "WWW-Authenticate": `Bearer error="insufficient_scope", scope="${scope}"` };
    }
    case "verification_unavailable":
      return { "Retry-After": String(retryAfter) };
  }
}
