import type { FaultCode } from "./lib/fault-codes.ts";

/** Every error code, with its HTTP status, its title and a detail that says what the client can do. */
export const ERRORS = {
  malformed_json: [400, "Malformed JSON", "The request body is not valid JSON in UTF-8."],
  unreadable_body: [
    400,
    "Unreadable body",
    "The request body ended early, or its chunks are malformed. Send the whole request again.",
  ],
  invalid_token: [
    400,
    "Invalid token",
    "The token is unknown, expired, already used or replaced by a newer one. Request a new email.",
  ],
  conflicting_credentials: [
    400,
    "Conflicting credentials",
    "Send one credential: an Authorization header or an X-API-Key header, not both.",
  ],
  invalid_bookmark: [
    400,
    "Invalid bookmark",
    "Send X-D1-Bookmark as you got it with an earlier response, or leave it out.",
  ],
  invalid_credential: [
    400,
    "Invalid credential",
    "The passkey was not created for this account with these options, the options were used or have expired, or the passkey is already " +
      "registered. Request new options: POST /v1/auth/factors/passkeys/options.",
  ],
  invalid_state: [
    400,
    "Invalid state",
    "The login at the provider was started more than ten minutes ago, was finished already, or was started for another provider. Start " +
      "again in the application.",
  ],
  invalid_exchange_code: [
    400,
    "Invalid code",
    "The code is unknown, was already used, or is older than a minute, or `code_verifier` does not belong to it. Start again.",
  ],
  redirect_uri_not_allowed: [
    400,
    "Redirect address not allowed",
    "`redirect_uri` is not one of the setting LOGIN_REDIRECT_URIS. Send one of them, character by character.",
  ],
  unauthenticated: [
    401,
    "Not authenticated",
    "Log in and send the access token as `Authorization: Bearer <token>`, or an API key as `X-API-Key`.",
  ],
  invalid_credentials: [
    401,
    "Invalid credentials",
    "The username, email, password or passkey is wrong, or the account cannot log in.",
  ],
  invalid_refresh_token: [
    401,
    "Invalid refresh token",
    "The refresh token is unknown, expired or already used, or its session has ended. Log in again.",
  ],
  mfa_required: [
    401,
    "Second factor required",
    "Send `mfa_token` with a second factor to POST /v1/auth/mfa/verify. `methods` are those that the account has.",
  ],
  mfa_enrollment_required: [
    401,
    "Second factor missing",
    "The role of the account requires a second factor, and it has none. Add one with `mfa_token`: POST /v1/auth/factors/totp or " +
      "/v1/auth/factors/passkeys/options. Then log in again.",
  ],
  invalid_mfa_token: [
    401,
    "Invalid mfa_token",
    "The `mfa_token` is malformed, expired, already used or meant for another step, or the account has changed since. Log in again.",
  ],
  invalid_code: [
    401,
    "Invalid code",
    "The code or passkey is wrong, expired or already used. Send a new one.",
  ],
  insufficient_user_authentication: [
    401,
    "Recent authentication required",
    "This needs a more recent authentication, with two factors if the account has a second one. Use POST /v1/auth/step-up, then " +
      "repeat the request with the new access token.",
  ],
  forbidden: [403, "Forbidden", "You do not have the permission that this operation needs."],
  privilege_escalation: [
    403,
    "Privilege escalation",
    "You cannot manage an account with permissions that you do not hold, or grant permissions that you or the account's owner do not hold.",
  ],
  email_not_verified: [
    403,
    "Email not verified",
    "Confirm your email address first, with the link in the email that was sent to it.",
  ],
  password_expired: [
    403,
    "Password expired",
    "Set a new password: send it with `reset_token` to POST /v1/auth/password/reset, then log in again.",
  ],
  registration_closed: [
    403,
    "Registration is closed",
    "Only an administrator can create accounts.",
  ],
  origin_not_allowed: [
    403,
    "Origin not allowed",
    "Only pages of this service, at APP_URL, stay signed in with a cookie. Leave out `stay_signed_in`, and send the refresh token in the " +
      "body of POST /v1/auth/refresh.",
  ],
  not_found: [
    404,
    "Not found",
    "There is no resource at this path. See /docs for the operations of the API.",
  ],
  user_not_found: [404, "User not found", "There is no user with this id."],
  session_not_found: [404, "Session not found", "There is no live session with this id."],
  role_not_found: [404, "Role not found", "There is no role with this name."],
  permission_not_found: [
    404,
    "Permission not found",
    "Your application has no permission with this name. GET /v1/permissions lists all.",
  ],
  api_key_not_found: [404, "API key not found", "There is no API key with this id."],
  factor_not_found: [
    404,
    "Factor not found",
    "You have no second factor with this id, or it was not confirmed within ten minutes. GET /v1/auth/factors lists yours.",
  ],
  identity_not_found: [
    404,
    "Identity not found",
    "You have no account at a provider with this id. GET /v1/auth/identities lists yours.",
  ],
  provider_not_found: [
    404,
    "Provider not found",
    "There is no provider with this id. GET /v1/auth/providers lists all.",
  ],
  method_not_allowed: [
    405,
    "Method not allowed",
    "This path does not support the method. The Allow header lists the methods that it supports.",
  ],
  email_taken: [409, "Email taken", "Another user has this email address."],
  user_inactive: [
    409,
    "User is inactive",
    "The link would not work. Activate the user first: PATCH /v1/users/{id} with is_active true.",
  ],
  email_unchanged: [
    409,
    "Email unchanged",
    "This is already the email address of your account. Send another one.",
  ],
  username_taken: [409, "Username taken", "Another user has this username."],
  last_admin: [
    409,
    "Last administrator",
    "At least one active administrator must remain. Make another user an administrator first.",
  ],
  role_exists: [409, "Role exists", "A role with this name already exists."],
  system_role: [
    409,
    "System role",
    "The roles user, moderator and admin cannot be deleted, and only their require_mfa can be changed.",
  ],
  role_in_use: [409, "Role in use", "Users still have this role. Assign them another role first."],
  permission_exists: [409, "Permission exists", "A permission with this name already exists."],
  permission_limit: [
    409,
    "Too many permissions",
    "Your application has the maximum number of permissions, 500. Delete one first.",
  ],
  permission_in_use: [
    409,
    "Permission in use",
    "A role other than admin or a live API key holds this permission. Remove it from them first.",
  ],
  system_permission: [
    409,
    "System permission",
    "This permission is one of Roster itself, and cannot be deleted.",
  ],
  api_key_revoked: [
    409,
    "API key revoked",
    "A revoked API key cannot be changed. Create a new one.",
  ],
  api_key_limit: [
    409,
    "Too many API keys",
    "The user has the maximum number of live API keys. Revoke one first.",
  ],
  factor_exists: [
    409,
    "Factor exists",
    "You already have an authenticator app. Remove it first: DELETE /v1/auth/factors/{id}.",
  ],
  factor_required: [
    409,
    "Factor required",
    "Your role requires a second factor, and this is the last one. Add another one first.",
  ],
  account_link_required: [
    409,
    "Account must be linked",
    "There is an account with this email address. Log in to it in another way, then link the provider: POST " +
      "/v1/auth/providers/{id}/start with the intent `link`.",
  ],
  identity_taken: [
    409,
    "Identity taken",
    "This account at the provider is linked to another user.",
  ],
  identity_limit: [
    409,
    "Too many identities",
    "The user has the maximum number of linked accounts, 20. Unlink one first: DELETE /v1/auth/identities/{id}.",
  ],
  passkey_limit: [
    409,
    "Too many passkeys",
    "You have the maximum number of passkeys. Remove one first: DELETE /v1/auth/factors/{id}.",
  ],
  passkey_missing: [409, "No passkey", "The account has no passkey. Use another method."],
  passkeys_unavailable: [
    409,
    "Passkeys unavailable",
    "Passkeys need a domain and https, and the address of this service, APP_URL, has none. Use another method.",
  ],
  factor_missing: [
    409,
    "No second factor",
    "Recovery codes replace a second factor, and you have none. Add one first: POST /v1/auth/factors/totp or /v1/auth/factors/passkeys/options.",
  ],
  password_exists: [409, "Password exists", "Change it with POST /v1/auth/password/change."],
  last_login_method: [
    409,
    "Last way to log in",
    "Without this you could not log in any more. Add another way first: a password, a passkey or an account at a provider.",
  ],
  edit_conflict: [
    409,
    "Edit conflict",
    "Concurrent requests kept changing the resource. Nothing was changed. Try again.",
  ],
  request_in_progress: [
    409,
    "Request in progress",
    "Another request with this Idempotency-Key is still running. Repeat the request with the same key in a second.",
  ],
  version_conflict: [
    412,
    "Version conflict",
    "The resource has changed since. Read it again and send its new ETag in If-Match.",
  ],
  payload_too_large: [
    413,
    "Payload too large",
    "The request body is larger than 64 KiB, or 1 MiB for an import.",
  ],
  unsupported_media_type: [
    415,
    "Unsupported media type",
    "Send the body as JSON in UTF-8 with `Content-Type: application/json`. PATCH also takes `application/merge-patch+json`.",
  ],
  validation_failed: [
    422,
    "Validation failed",
    "Part of the request is missing or invalid. `errors` lists every problem.",
  ],
  idempotency_key_reused: [
    422,
    "Idempotency key reused",
    "This Idempotency-Key was used for another request within the last 24 hours. Send a new key with each new request.",
  ],
  too_many_attempts: [
    429,
    "Too many attempts",
    "Too many failed attempts for this account. Try again after the number of seconds in Retry-After.",
  ],
  rate_limited: [
    429,
    "Rate limited",
    "Too many requests. Try again after the number of seconds in Retry-After.",
  ],
  internal_error: [
    500,
    "Internal error",
    "An unexpected error occurred. Include the request_id when you report it.",
  ],
  service_unavailable: [
    503,
    "Service unavailable",
    "The service is temporarily unavailable. Try again after the number of seconds in Retry-After.",
  ],
  provider_unavailable: [
    503,
    "Provider unavailable",
    "The provider does not respond as it should. Try again after the number of seconds in Retry-After, or log in another way.",
  ],
  mail_not_configured: [
    503,
    "Email not configured",
    "This needs email, and the service is not set up to send any. Ask its operator to configure email.",
  ],
  misconfigured: [
    503,
    "Misconfigured",
    "The service is not configured correctly. GET /ready lists the problems.",
  ],
} as const satisfies Record<string, readonly [status: number, title: string, detail: string]>;

export type ErrorCode = keyof typeof ERRORS;

/** The `code` of an error that clients see, if it is that of another error, which has another status. */
const SHARED_CODES: Partial<Record<ErrorCode, ErrorCode>> = {
  invalid_exchange_code: "invalid_code",
};

/** The `code` of an error as clients see it. */
export function toPublicCode(code: ErrorCode): ErrorCode {
  return SHARED_CODES[code] ?? code;
}

/** One problem in a request: the path of the field, a stable code, and a message for people. */
export interface Fault {
  path: string;
  code: FaultCode;
  message: string;
}

interface AppErrorOptions {
  detail?: string;
  faults?: readonly Fault[];
  headers?: Readonly<Record<string, string>>;
  /** Further members of the problem document (RFC 9457 section 3.2). */
  extensions?: Readonly<Record<string, unknown>>;
  cause?: unknown;
}

/** The only way to refuse a request. The client gets the problem document of its code. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly detail: string;
  readonly faults: readonly Fault[] | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(code, { cause: options.cause });
    this.code = code;
    this.detail = options.detail ?? ERRORS[code][2];
    this.faults = options.faults;
    this.headers = options.headers ?? {};
    this.extensions = options.extensions ?? {};
  }

  get status(): (typeof ERRORS)[ErrorCode][0] {
    return ERRORS[this.code][0];
  }
}

/** A `validation_failed` error for one field, for rules that a schema cannot check. */
export function invalidField(path: string, code: FaultCode, message: string): AppError {
  return new AppError("validation_failed", { faults: [{ path, code, message }] });
}

/** Throws `validation_failed` if there are faults. */
export function requireNoFaults(faults: readonly Fault[]): void {
  if (faults.length > 0) throw new AppError("validation_failed", { faults });
}
