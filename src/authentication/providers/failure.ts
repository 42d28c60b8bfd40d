import { AuthorizationResponseError, ResponseBodyError } from "oauth4webapi";

/** What the application is told of a login that failed at the provider (RFC 6749 section 4.1.2.1). */
export type CallbackError = "access_denied" | "temporarily_unavailable" | "server_error";

/** A login that failed at the provider. `reason` is for the log: it contains no token, code or personal data. */
export class ProviderFailure extends Error {
  override readonly name = "ProviderFailure";
  readonly error: CallbackError;
  readonly reason: string;

  constructor(error: CallbackError, reason: string, cause?: unknown) {
    super(`${error}: ${reason}`, { cause });
    this.error = error;
    this.reason = reason;
  }
}

/** Errors of providers that mean: the person did not log in (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6). */
const DENIALS: readonly string[] = [
  "access_denied",
  "login_required",
  "interaction_required",
  "consent_required",
  "account_selection_required",
  "user_cancelled_authorize",
];

const ERROR_CODE = /^[a-z_]{1,50}$/;

/** What an error of a request to a provider, or of its response, means for the login. */
export function toFailure(error: unknown): ProviderFailure {
  if (error instanceof ProviderFailure) return error;
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) {
    return new ProviderFailure(toCallbackError(error.error), toReason(error.error), error);
  }
  // The messages of oauth4webapi are constant.
  const { code, message } = error as { code?: unknown; message?: unknown };
  const isKnown = typeof code === "string" && code.startsWith("OAUTH_");
  return new ProviderFailure("server_error", isKnown ? String(message) : "garbage", error);
}

function toCallbackError(code: string): CallbackError {
  if (DENIALS.includes(code)) return "access_denied";
  return code === "temporarily_unavailable" ? code : "server_error";
}

function toReason(code: string): string {
  return ERROR_CODE.test(code) ? code : "unknown_error";
}
