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
  "session_locked",
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
  /** The page that the link opens, of this service or of the application at MAIL_LINK_URL. */
  path: string;
  /** The purpose of its token. */
  purpose: TokenPurpose;
  /** Whether the email has a second link to the same page, for people whose account it is not. It has the same token, as `disown`. */
  hasDisown?: true;
}

/** The kinds of email that have a link. */
const LINKS = {
  verify_email: { path: "/verify-email", purpose: "verify_email", hasDisown: true },
  reset_password: { path: "/reset-password", purpose: "reset_password" },
  invitation: { path: "/invitation", purpose: "invitation" },
  email_login: { path: "/email-login", purpose: "email_login" },
  change_email: { path: "/verify-email", purpose: "change_email" },
} as const satisfies Readonly<Partial<Record<MailKind, MailLink>>>;

export type LinkKind = keyof typeof LINKS;

/** The paths of the pages that links open. */
export const LINK_PATHS: ReadonlySet<string> = new Set(
  Object.values(LINKS).map(({ path }) => path),
);

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
