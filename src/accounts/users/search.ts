// The search index has two columns per user, which are those of the view `users_search_text` in migration 0012_mfa_lists:
// - `state` is what filters select, after U+0002 each: `d0` or `d1` (deleted), `a0` or `a1` (active), `v0` or `v1` (verified), `m0` or `m1`
//   (second factor), and `r` with the role;
// - `text` is the username, the email and the names, with two characters U+0001 before each word.
// Neither character occurs in stored names, nor in what is searched. The index finds sequences of three characters or more,
// regardless of case and diacritics.
const STATE = "\u0002";
const WORD_START = "\u0001\u0001";
const MIN_LENGTH = 3;

/** What ends a word, as in `users_search_text`, where all Unicode spaces are U+0020. */
const SEPARATORS = /[ ._\-@+']/g;

/** The diacritics that the search index ignores: those of SQLite. Other combining characters are letters to it. */
const DIACRITICS =
  /[\u0300-\u0304\u0306-\u030C\u030F\u0311\u031B\u0323-\u0328\u032D\u032E\u0330\u0331]/g;

/** The words of a search, without diacritics of their own. */
export type Words = readonly string[];

/** The words of a text, which is normalized (NFKC). */
export function toWords(text: string): Words {
  return text.split(/\s+/u).flatMap((word) => word.replace(DIACRITICS, "") || []);
}

interface State {
  deleted: boolean;
  role: string | undefined;
  isActive: boolean | undefined;
  emailVerified: boolean | undefined;
  mfaEnabled: boolean | undefined;
}

/**
 * The FTS5 expression that finds the users in a state whose text contains every word. Words of one or two characters are found at
 * the beginning of a word only.
 */
export function toMatch(words: Words, filter: State): string {
  const { deleted, role, isActive, emailVerified, mfaEnabled } = filter;
  const state = [
    `d${Number(deleted)}`,
    isActive === undefined ? undefined : `a${Number(isActive)}`,
    emailVerified === undefined ? undefined : `v${Number(emailVerified)}`,
    mfaEnabled === undefined ? undefined : `m${Number(mfaEnabled)}`,
    role === undefined ? undefined : `r${role}${STATE}`,
  ];
  const states = state.flatMap((name) => (name === undefined ? [] : [`${STATE}${name}`]));
  const terms = [
    ...words.map((word) => `text : ${quote(toPhrase(word))}`),
    ...states.map((name) => `state : ${quote(name)}`),
  ];
  return terms.join(" AND ");
}

function toPhrase(word: string): string {
  const marked = word.replace(SEPARATORS, (separator) => `${separator}${WORD_START}`);
  return [...marked].length < MIN_LENGTH ? `${WORD_START}${marked}` : marked;
}

// Everything between quotes is text to FTS5.
function quote(phrase: string): string {
  return `"${phrase.replaceAll('"', '""')}"`;
}
