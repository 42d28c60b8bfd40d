import { type SQL, sql } from "drizzle-orm";
import { parseAccept } from "hono/utils/accept";
import type { Context } from "../context.ts";
import { findLanguage } from "../lib/languages.ts";
import { MAIL_LANGUAGES, type MailLanguage } from "../settings.ts";
import { languageOfProfile } from "./repository.ts";

/**
 * The language of an email that is queued now: the one the request asks for, else that of the recipient's profile, else that of the
 * recipient's browser, else NULL for the default. Each counts only if emails have a language that fits.
 */
export function languageFor(
  ctx: Context,
  { userId, locale }: { userId: string; locale?: string | undefined },
): SQL | string {
  const requested = locale && findLanguage([locale], MAIL_LANGUAGES);
  if (requested) return requested;
  const accepted = isRecipient(ctx, userId) ? findAcceptedLanguage(ctx.acceptLanguage) : undefined;
  return sql`coalesce(${languageOfProfile(userId, MAIL_LANGUAGES)}, ${accepted ?? null})`;
}

/** The language to render an email in. A row may have one that only another release knows. */
export function toMailLanguage(language: string | null, fallback: MailLanguage): MailLanguage {
  return MAIL_LANGUAGES.find((known) => known === language) ?? fallback;
}

// Administrators and API keys say nothing about the language of the people whom they manage. Who is not logged in registers, logs
// in or asks for a link, and is taken for the recipient.
function isRecipient({ actor }: Context, userId: string): boolean {
  return actor.type === "anonymous" || (actor.type === "user" && actor.userId === userId);
}

/** The language that fits `Accept-Language` (RFC 9110, section 12.5.4) best. */
function findAcceptedLanguage(header: string | null): MailLanguage | undefined {
  const accepted = parseAccept(header ?? "").filter(({ q }) => q > 0);
  return findLanguage(
    accepted.map(({ type }) => type),
    MAIL_LANGUAGES,
  );
}
