import { html } from "hono/html";

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
  "identity_linked",
  "identity_unlinked",
  "email_login",
  "password_set",
  "password_removed",
  "step_up_code",
] as const;

export type MailKind = (typeof MAIL_KINDS)[number];

/** The request that takes the token of a link, for readers without an application that sends it. */
interface LinkRequest {
  path: string;
  body: string;
}

const VERIFY: LinkRequest = { path: "/v1/auth/email/verify", body: '{ "token": "…" }' };
const DISOWN: LinkRequest = { path: "/v1/auth/email/disown", body: '{ "token": "…" }' };
const RESET: LinkRequest = {
  path: "/v1/auth/password/reset",
  body: '{ "token": "…", "password": "…" }',
};

const LOG_IN: LinkRequest = { path: "/v1/auth/email-login/verify", body: '{ "token": "…" }' };

interface Template {
  subject: string;
  /** `{about}` stands for the name of what the email is about, `{code}` for the code of its token. */
  lines: readonly string[];
  /** Puts what the email is about into words. By default it is a name. */
  describe?: (about: string) => string;
  /** The page of the application that the link opens, the text of the link, and the request that the page sends with the token. */
  link?: { path: string; label: string; request: LinkRequest };
  /** A second link to the same page, for people whose account it is not. It has the same token, as `disown` instead of `token`. */
  disown?: { label: string; request: LinkRequest };
}

const TEMPLATES: Readonly<Record<MailKind, Template>> = {
  verify_email: {
    subject: "Confirm your email address",
    lines: [
      "Confirm that this address is yours.",
      "The link is good for 24 hours. If you did not register, someone else knows the password of the account: the second link deletes it.",
    ],
    link: { path: "/verify-email", label: "Confirm your email address", request: VERIFY },
    disown: { label: "This wasn't me: delete the account", request: DISOWN },
  },
  reset_password: {
    subject: "Reset your password",
    lines: [
      "Someone requested a password reset for your account.",
      "The link is good for one hour. If this was not you, ignore this email: your password has not changed.",
    ],
    link: { path: "/reset-password", label: "Choose a new password", request: RESET },
  },
  invitation: {
    subject: "You are invited to create your account",
    lines: [
      "An administrator has created an account for you. Choose a password to use it.",
      "The link is good for 7 days.",
    ],
    link: { path: "/invitation", label: "Choose a password", request: RESET },
  },
  change_email: {
    subject: "Confirm your new email address",
    lines: [
      "Confirm this address to use it for your account.",
      "The link is good for 24 hours. Until you confirm, your account keeps its old address.",
    ],
    link: { path: "/verify-email", label: "Confirm your new email address", request: VERIFY },
  },
  email_login: {
    subject: "Log in to your account",
    lines: [
      "Your code to log in is {code}",
      "Enter it where you asked for it, or follow the link. Both are good for ten minutes, and work once.",
      "If you did not ask for this, ignore this email, and give the code to nobody.",
    ],
    link: { path: "/email-login", label: "Log in", request: LOG_IN },
  },
  email_change_notice: {
    subject: "Your email address is about to change",
    lines: [
      "Someone who knows your password requested a change of your email address.",
      "If this was not you, change your password now.",
    ],
  },
  email_changed: {
    subject: "Your email address was changed",
    lines: [
      "An administrator changed the email address of your account. This address is no longer used.",
      "If you did not expect this, contact your administrator.",
    ],
  },
  password_changed: {
    subject: "Your password was changed",
    lines: [
      "The password of your account was changed, and your other sessions were ended.",
      "If this was not you, reset your password now.",
    ],
  },
  new_sign_in: {
    subject: "New sign-in to your account",
    lines: [
      "Someone signed in to your account from a new device.",
      "If this was not you, change your password now and end the session.",
    ],
  },
  api_key_created: {
    subject: "New API key for your account",
    lines: [
      "Someone created an API key for your account. Its name is “{about}”.",
      "If you did not expect this, revoke the key and change your password now.",
    ],
  },
  account_locked: {
    subject: "Your account is temporarily locked",
    lines: [
      "There were too many failed attempts to sign in to your account. The networks that they came from are locked out for a few minutes.",
      "If this was you, wait a few minutes, reset your password, or ask an administrator to unlock the account.",
      "If this was not you, you do not need to do anything: your password has not changed, and you can still log in from where you usually do.",
    ],
  },
  factor_added: {
    subject: "Second factor added to your account",
    lines: [
      "A second factor was added to your account. Logins ask for it from now on.",
      "If this was not you, change your password now, remove the factor and end your other sessions.",
    ],
  },
  factor_removed: {
    subject: "Second factor removed from your account",
    lines: [
      "A second factor was removed from your account.",
      "If this was not you, change your password now and end your other sessions.",
    ],
  },
  mfa_failed: {
    subject: "Failed attempt to confirm it is you",
    lines: [
      "Someone who had already proven one factor, for example your password, sent a wrong code for the second one.",
      "If this was not you, change your password now: someone else may know it. Without the second factor they cannot log in.",
    ],
  },
  recovery_code_used: {
    subject: "A recovery code was used",
    lines: [
      "One of your recovery codes was used instead of your second factor. It does not work again.",
      "If this was not you, change your password, end your other sessions and generate new recovery codes now.",
    ],
  },
  recovery_codes_low: {
    subject: "You have three recovery codes left",
    lines: [
      "You have three recovery codes left. Generate new ones, which replace those that are left.",
    ],
  },
  factors_reset: {
    subject: "Your second factors were removed",
    lines: [
      "An administrator removed the second factors of your account, and its recovery codes. You were logged out everywhere.",
      "Log in with your password, and set up a second factor again. If you did not ask for this, change your password now and contact your administrator.",
    ],
  },
  password_set: {
    subject: "A password was set for your account",
    lines: [
      "A password was set for your account, and your other sessions were ended.",
      "If this was not you, reset your password now.",
    ],
  },
  password_removed: {
    subject: "The password of your account was removed",
    lines: [
      "The password of your account was removed, and your other sessions were ended. Log in another way from now on.",
      "If this was not you, reset your password now.",
    ],
  },
  step_up_code: {
    subject: "Confirm that it is you",
    lines: [
      "Your code to confirm that it is you is {code}",
      "It is good for ten minutes, and works once.",
      "If you did not ask for this, someone is logged in to your account: change your password, and end your other sessions.",
    ],
  },
  address_proven: {
    subject: "Your email address is confirmed",
    lines: [
      "Someone who reads your email has just confirmed that the address of this account is yours.",
      "Nobody had done so before, so that a stranger may have set the account up. These were removed: {about}.",
      "If you had set them up yourself, set them up again. If you have confirmed nothing, someone else reads your email: secure your mailbox.",
    ],
    describe: describeRemoved,
  },
  identity_linked: {
    subject: "Login provider linked to your account",
    lines: [
      "An account at the login provider “{about}” was linked to your account. Whoever can log in there can log in to your account.",
      "If this was not you, remove it, change your password and end your other sessions now.",
    ],
  },
  identity_unlinked: {
    subject: "Login provider removed from your account",
    lines: [
      "An account at the login provider “{about}” was removed from your account. It can no longer be used to log in.",
      "If this was not you, change your password now and end your other sessions.",
    ],
  },
};

const REMOVED: Readonly<Record<string, string>> = {
  password: "the password",
  sessions: "all sessions",
  api_keys: "all API keys",
  factors: "all second factors",
  identities: "all accounts at other providers",
};

// A JSON array of the names in the event of the proof.
function describeRemoved(about: string): string {
  return (JSON.parse(about) as string[]).map((name) => REMOVED[name]).join(", ");
}

/** True for kinds of email that contain a one-time token. They are sent before all others. */
export function hasLink(kind: MailKind): boolean {
  return TEMPLATES[kind].link !== undefined;
}

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

interface MailContent {
  /** The name of the recipient. */
  name: string;
  /** The name of what the email is about, for kinds that mention it. */
  about: string | null;
  appName: string;
  /** The code that stands for the token; undefined for an email without a token. */
  code: string | undefined;
  /** Undefined for an email without a link. `isService` if the base URL is that of this service, which has no pages for links. */
  link: { baseUrl: string; token: string; isService: boolean } | undefined;
}

/** Renders an email as text and as HTML. The link is built from the configured URL, and names are escaped. */
export function renderMail(
  kind: MailKind,
  { name, about, appName, code, link }: MailContent,
): RenderedMail {
  const { subject, link: page, describe = toOneLine } = TEMPLATES[kind];
  const lines = TEMPLATES[kind].lines.map((line) =>
    line.replace("{code}", code ?? "").replace("{about}", () => describe(about ?? "")),
  );
  const greeting = `Hello ${toOneLine(name)},`;
  const closing = `This email is about an account at ${appName}.`;
  const links = page && link ? listLinks(kind, link) : [];
  const usage = link?.isService ? describeRequests(kind, link.baseUrl) : [];
  const urls = links.map(({ label, url }, index) => (index === 0 ? url : `${label}\n${url}`));
  const text = [greeting, ...lines, ...urls, ...usage, closing].join("\n\n");
  const paragraphs = [greeting, ...lines].map((line) => html`<p>${line}</p>`);
  const buttons = links.map(({ label, url }) => html`<p><a href="${url}">${label}</a></p>`);
  const footer = [...usage, closing].map((line) => html`<p>${line}</p>`);
  const body = html`<!doctype html><html lang="en"><body>${paragraphs}${buttons}${footer}</body></html>`;
  return { subject, text: `${text}\n`, html: String(body) };
}

function listLinks(kind: MailKind, { baseUrl, token }: { baseUrl: string; token: string }) {
  const { link, disown } = TEMPLATES[kind];
  const page = `${baseUrl}${link?.path}`;
  return [
    ...(link ? [{ label: link.label, url: `${page}#token=${token}` }] : []),
    ...(disown ? [{ label: disown.label, url: `${page}#disown=${token}` }] : []),
  ];
}

// The token itself is only in the links, so that it is found easily.
function describeRequests(kind: MailKind, baseUrl: string): string[] {
  const { link, disown } = TEMPLATES[kind];
  const describe = ({ path, body }: LinkRequest) =>
    `POST ${baseUrl}${path} with the JSON body ${body}`;
  return [
    ...(link
      ? [
          `If the link opens no page, send its token, which is everything after the equals sign: ${describe(link.request)}`,
        ]
      : []),
    ...(disown ? [`If it wasn't you, send the token: ${describe(disown.request)}`] : []),
  ];
}

// Users choose their names: a name must not start a new line, or contain a host that email clients would turn into a link.
function toOneLine(name: string): string {
  const text = name.replace(/\s+/g, " ").replace(/:\/\//g, " ");
  return text.replace(/[.。．｡](?=[\p{L}\p{N}-]{2})/gu, ". ");
}
