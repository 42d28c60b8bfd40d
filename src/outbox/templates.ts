import { html } from "hono/html";

/** Every mail there is. Those with a link carry a one-time token. */
export type MailKind =
  | "verify_email"
  | "reset_password"
  | "change_email"
  | "email_change_notice"
  | "email_changed"
  | "password_changed"
  | "new_sign_in"
  | "account_locked";

interface Template {
  subject: string;
  lines: readonly string[];
  /** The page of the application that the link opens, and what the link says. */
  link?: { path: string; label: string };
}

const TEMPLATES: Readonly<Record<MailKind, Template>> = {
  verify_email: {
    subject: "Confirm your email address",
    lines: ["Confirm that this address is yours.", "The link is good for 24 hours."],
    link: { path: "/verify-email", label: "Confirm the address" },
  },
  reset_password: {
    subject: "Reset your password",
    lines: [
      "Somebody asked to reset the password of your account.",
      "The link is good for one hour. If it was not you, leave this mail alone: nothing has changed.",
    ],
    link: { path: "/reset-password", label: "Choose a new password" },
  },
  change_email: {
    subject: "Confirm your new email address",
    lines: [
      "This address is to become the one of your account.",
      "The link is good for 24 hours. Until you open it, your old address stays.",
    ],
    link: { path: "/verify-email", label: "Confirm the new address" },
  },
  email_change_notice: {
    subject: "Your email address is about to change",
    lines: [
      "Somebody who knows your password asked to change the email address of your account.",
      "If it was not you, change your password now.",
    ],
  },
  email_changed: {
    subject: "Your email address was changed",
    lines: [
      "An administrator gave your account another email address. This one is no longer used.",
      "If you know nothing of it, ask them.",
    ],
  },
  password_changed: {
    subject: "Your password was changed",
    lines: [
      "The password of your account was changed, and other sessions have ended.",
      "If it was not you, reset your password now.",
    ],
  },
  new_sign_in: {
    subject: "New sign-in to your account",
    lines: [
      "Somebody signed in to your account from a device that we had not seen before.",
      "If it was not you, change your password now and end the session.",
    ],
  },
  account_locked: {
    subject: "Your account is locked for a while",
    lines: [
      "There were too many failed sign-ins to your account. It is locked for some minutes.",
      "If it was not you who tried, there is nothing to do: your password still holds.",
    ],
  },
};

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

/** A mail in text and HTML. The link is built from the application's own URL; the name is shown as text and nothing else. */
export function renderMail(
  kind: MailKind,
  { name, linkUrl, token }: { name: string; linkUrl: string; token: string | undefined },
): RenderedMail {
  const { subject, lines, link } = TEMPLATES[kind];
  const url = link && token ? `${linkUrl}${link.path}#token=${token}` : undefined;
  const greeting = `Hello ${toOneLine(name)},`;
  const text = [greeting, ...lines, ...(url ? [url] : [])].join("\n\n");
  const paragraphs = [greeting, ...lines].map((line) => html`<p>${line}</p>`);
  const button = url ? html`<p><a href="${url}">${link?.label}</a></p>` : "";
  const page = html`<!doctype html><html lang="en"><body>${paragraphs}${button}</body></html>`;
  return { subject, text: `${text}\n`, html: String(page) };
}

// A name cannot begin a line of its own, nor be taken for a host, of which a mail reader would make a link.
function toOneLine(name: string): string {
  const text = name.replace(/\s+/g, " ").replace(/:\/\//g, " ");
  return text.replace(/[.。．｡](?=[\p{L}\p{N}-]{2})/gu, ". ");
}
