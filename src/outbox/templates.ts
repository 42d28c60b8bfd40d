import type { TokenPurpose } from "../authentication/one-time-tokens/tokens.ts";

/** All kinds of email. Those with a link contain a one-time token. */
export const MAIL_KINDS = [
  "verify_email",
  "reset_password",
  "invitation",
  "change_email",
  "email_change_notice",
  "email_changed",
  "password_changed",
  "new_sign_in",
  "api_key_created",
  "account_locked",
  "factor_added",
  "factor_removed",
  "mfa_failed",
  "recovery_code_used",
  "recovery_codes_low",
  "factors_reset",
  "address_proven",
  "email_login",
  "password_set",
  "password_removed",
  "step_up_code",
  "identity_linked",
  "identity_unlinked",
] as const;

export type MailKind = (typeof MAIL_KINDS)[number];

/** The link of an email. */
interface MailLink {
  /** The page of the application that the link opens. */
  path: string;
  /** The purpose of its token. */
  purpose: TokenPurpose;
  /** The request that the page sends with the token, for readers without an application that has the page. */
  request: { path: string; body: string };
  /** The request of a second link to the same page, for people whose account it is not. It has the same token, as `disown`. */
  disown?: { path: string; body: string };
}

const VERIFY = { path: "/v1/auth/email/verify", body: '{ "token": "…" }' };
const DISOWN = { path: "/v1/auth/email/disown", body: '{ "token": "…" }' };
const LOG_IN = { path: "/v1/auth/email-login/verify", body: '{ "token": "…" }' };
const RESET = { path: "/v1/auth/password/reset", body: '{ "token": "…", "password": "…" }' };

/** The kinds of email that have a link. */
const LINKS = {
  verify_email: { path: "/verify-email", purpose: "verify_email", request: VERIFY, disown: DISOWN },
  reset_password: { path: "/reset-password", purpose: "reset_password", request: RESET },
  invitation: { path: "/invitation", purpose: "invitation", request: RESET },
  email_login: { path: "/email-login", purpose: "email_login", request: LOG_IN },
  change_email: { path: "/verify-email", purpose: "change_email", request: VERIFY },
} as const satisfies Readonly<Partial<Record<MailKind, MailLink>>>;

export type LinkKind = keyof typeof LINKS;

/** True for kinds of email that contain a one-time token. They are sent before all others. */
export function hasLink(kind: MailKind): kind is LinkKind {
  return kind in LINKS;
}

/** The purpose of the token that an email has a link or a code for; undefined for notices. */
export function purposeOf(kind: MailKind): TokenPurpose | undefined {
  return kind === "step_up_code" ? "step_up_code" : linkOf(kind)?.purpose;
}

/** The link of a kind of email; undefined for notices. */
export function linkOf(kind: MailKind): MailLink | undefined {
  return hasLink(kind) ? LINKS[kind] : undefined;
}
