// Control, zero-width and bidirectional formatting characters: invisible, but they change how a text reads.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const JOINERS = /[\u200C\u200D]/gu;

/** Normalizes a username before it is validated and stored: NFKC, trimmed. */
export function normalizeUsername(text: string): string {
  return trimSpaces(text.normalize("NFKC"));
}

/** Normalizes an email before it is validated and stored: trimmed. NFKC is not needed, because only ASCII is valid (RFC 5321). */
export function normalizeEmail(text: string): string {
  return trimSpaces(text);
}

/**
 * Normalizes a password before it is checked and hashed: NFKC, because the same password may have different code points when it is
 * typed on different keyboards (NIST SP 800-63B section 3.1.1.2). Case and spaces are kept.
 */
export function normalizePassword(text: string): string {
  return text.normalize("NFKC");
}

/** The form in which usernames and emails are compared and must be unique. */
export function toComparisonKey(normalized: string): string {
  return normalized.normalize("NFKC").toLowerCase();
}

/** Normalizes a person's name before it is stored: NFC, trimmed. */
export function normalizeName(text: string): string {
  return trimSpaces(text.normalize("NFC"));
}

/** Normalizes the text of a search: NFKC, single spaces between its words and none around them. */
export function normalizeSearch(text: string): string {
  return text.normalize("NFKC").trim().replace(/\s+/gu, " ");
}

/** True if a text has no invisible characters (except joiners, which some scripts need) and no lone surrogates. */
export function isVisibleText(text: string): boolean {
  return text.isWellFormed() && !INVISIBLE.test(text.replace(JOINERS, ""));
}

/** Number of code points, as people count characters. */
export function countCodePoints(text: string): number {
  return [...text].length;
}

// Only spaces: `trim` would also remove line breaks and byte order marks, which validation must refuse.
function trimSpaces(text: string): string {
  let start = 0;
  let end = text.length;
  while (text[start] === " ") start += 1;
  while (end > start && text[end - 1] === " ") end -= 1;
  return text.slice(start, end);
}
