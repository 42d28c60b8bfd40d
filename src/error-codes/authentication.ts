import type { ErrorTable } from "./table.ts";

/** Why a login, a credential or a way to log in is refused. */
export const AUTHENTICATION_ERRORS = {
  invalid_token: [
    400,
    "Invalid token",
    "The token is unknown, expired, already used or replaced by a newer one. Request a new email.",
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
    "`redirect_uri` is not listed in the setting LOGIN_REDIRECT_URIS. Send one of those, character by character.",
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
  session_not_found: [404, "Session not found", "There is no live session with this id."],
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
  email_unchanged: [
    409,
    "Email unchanged",
    "This is already the email address of your account. Send another one.",
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
    "You have the maximum number of passkeys, 20. Remove one first: DELETE /v1/auth/factors/{id}.",
  ],
  passkey_missing: [409, "No passkey", "The account has no passkey. Use another method."],
  passkeys_unavailable: [
    409,
    "Passkeys unavailable",
    "Passkeys need HTTPS and a domain name, which this service's APP_URL does not have. Use another method.",
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
  too_many_attempts: [
    429,
    "Too many attempts",
    "Too many failed attempts for this account. Try again after the number of seconds in Retry-After.",
  ],
  provider_unavailable: [
    503,
    "Provider unavailable",
    "The provider does not respond as it should. Try again after the number of seconds in Retry-After, or log in another way.",
  ],
} as const satisfies ErrorTable;
