/** Every code a problem document can carry: its status, its title and what the caller is to do. */
export const ERRORS = {
  malformed_json: [400, "Malformed JSON", "The request body is not valid JSON in UTF-8."],
  invalid_token: [
    400,
    "Invalid token",
    "The token is unknown, spent, expired or replaced by a newer one. Ask for another mail.",
  ],
  conflicting_credentials: [
    400,
    "Conflicting credentials",
    "Send one credential: an Authorization header or an X-API-Key header, not both.",
  ],
  unauthenticated: [
    401,
    "Not authenticated",
    "Log in and send the access token as `Authorization: Bearer <token>`, or an API key as `X-API-Key`.",
  ],
  invalid_credentials: [
    401,
    "Invalid credentials",
    "The username, email or password is wrong, or the account cannot log in.",
  ],
  invalid_refresh_token: [
    401,
    "Invalid refresh token",
    "The refresh token is unknown, spent or expired, or its session has ended. Log in again.",
  ],
  forbidden: [403, "Forbidden", "You lack the permission that this needs."],
  privilege_escalation: [
    403,
    "Privilege escalation",
    "This reaches beyond your own permissions: nobody manages an account, or grants a right, above their own.",
  ],
  email_not_verified: [
    403,
    "Email not verified",
    "Confirm your email address first: the link is in the mail that was sent to it.",
  ],
  registration_closed: [
    403,
    "Registration is closed",
    "Accounts here are made by an administrator.",
  ],
  not_found: [404, "Not found", "There is nothing at this path. See /docs for what there is."],
  user_not_found: [404, "User not found", "There is no user with this id."],
  session_not_found: [404, "Session not found", "There is no live session with this id."],
  role_not_found: [404, "Role not found", "There is no role of this name."],
  api_key_not_found: [404, "API key not found", "There is no API key with this id."],
  method_not_allowed: [
    405,
    "Method not allowed",
    "This path has other methods: the Allow header lists them.",
  ],
  email_taken: [409, "Email taken", "Another user has this email."],
  username_taken: [409, "Username taken", "Another user has this username."],
  last_admin: [
    409,
    "Last administrator",
    "At least one active administrator must remain. Make another one first.",
  ],
  role_exists: [409, "Role exists", "There is a role of this name already."],
  system_role: [
    409,
    "System role",
    "The roles user, moderator and admin cannot be changed or deleted.",
  ],
  role_in_use: [409, "Role in use", "Users have this role: give them another one first."],
  api_key_revoked: [409, "API key revoked", "A revoked API key stays revoked. Make a new one."],
  api_key_limit: [
    409,
    "Too many API keys",
    "This user has as many live API keys as there may be. Revoke one first.",
  ],
  edit_conflict: [
    409,
    "Edit conflict",
    "Others kept changing this at the same moment and nothing was changed. Try again.",
  ],
  version_conflict: [
    412,
    "Version conflict",
    "The resource has changed since. Read it again and send its new ETag in If-Match.",
  ],
  payload_too_large: [413, "Payload too large", "A request body has at most 64 KiB."],
  unsupported_media_type: [
    415,
    "Unsupported media type",
    "Send the body as JSON with `Content-Type: application/json`.",
  ],
  validation_failed: [
    422,
    "Validation failed",
    "Part of the request is missing or wrong: `errors` lists every fault.",
  ],
  too_many_attempts: [
    429,
    "Too many attempts",
    "Too many failed logins for this account. Wait as long as Retry-After says.",
  ],
  rate_limited: [429, "Rate limited", "Too many requests. Wait as long as Retry-After says."],
  internal_error: [
    500,
    "Internal error",
    "Something went wrong on our side. Quote the request_id when you report it.",
  ],
  service_unavailable: [
    503,
    "Service unavailable",
    "The service cannot answer right now. Try again after the seconds in Retry-After.",
  ],
  misconfigured: [
    503,
    "Misconfigured",
    "The service is not fully configured: GET /ready says what is missing.",
  ],
} as const satisfies Record<string, readonly [status: number, title: string, detail: string]>;

export type ErrorCode = keyof typeof ERRORS;

/** One fault in a request: where it is, what it is, and a sentence about it. */
export interface Fault {
  path: string;
  code: string;
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

/** The one way to refuse a request: the code decides status and text, and reaches the client as a problem document. */
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

/** A 422 for one fault that only a service can see. */
export function invalidField(path: string, code: string, message: string): AppError {
  return new AppError("validation_failed", { faults: [{ path, code, message }] });
}
