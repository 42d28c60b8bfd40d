// Controls, zero-width and bidirectional formatting: characters that change how a text reads without being seen.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const JOINERS = /[\u200C\u200D]/gu;

/** What a username becomes before it is validated and kept: NFKC, trimmed. */
export function normalizeUsername(text: string): string {
  return trimSpaces(text.normalize("NFKC"));
}

/** What an email becomes before it is validated and kept: trimmed. Only ASCII passes validation (RFC 5321), so NFKC has nothing to fold. */
export function normalizeEmail(text: string): string {
  return trimSpaces(text);
}

/** The form in which usernames and emails are compared and unique. */
export function toComparisonKey(normalized: string): string {
  return normalized.normalize("NFKC").toLowerCase();
}

/** What a person's name becomes before it is kept: NFC, trimmed. */
export function normalizeName(text: string): string {
  return trimSpaces(text.normalize("NFC"));
}

/** True when a text holds nothing that cannot be seen (joiners apart, which some scripts need) and no lone surrogate. */
export function isVisibleText(text: string): boolean {
  return text.isWellFormed() && !INVISIBLE.test(text.replace(JOINERS, ""));
}

/** Number of code points, as people count characters. */
export function countCodePoints(text: string): number {
  return [...text].length;
}

// Spaces alone: `trim` would also drop line breaks and a byte order mark, which are to be refused and not hidden.
function trimSpaces(text: string): string {
  let start = 0;
  let end = text.length;
  while (text[start] === " ") start += 1;
  while (end > start && text[end - 1] === " ") end -= 1;
  return text.slice(start, end);
}
