import { utf8 } from "./bytes.ts";
import { COMMON_PASSWORDS } from "./common-passwords.ts";
import { countCodePoints, toComparisonKey } from "./text.ts";

export const MIN_PASSWORD_LENGTH = 8;
export const MAX_PASSWORD_BYTES = 256;

/** Whose password it is: what it may not contain. Fields of the wrong type are left out of account. */
export interface PasswordOwner {
  username?: unknown;
  email?: unknown;
}

interface PasswordRule {
  code: string;
  message: string;
  allows(password: string, owner: PasswordOwner): boolean;
}

/** What a new password must be (NIST SP 800-63B section 3.1.1.2): length, no well-known one, nothing of its owner. */
export const PASSWORD_RULES: readonly PasswordRule[] = [
  {
    code: "too_short",
    message: `Must have at least ${MIN_PASSWORD_LENGTH} characters.`,
    allows: (password) => countCodePoints(password) >= MIN_PASSWORD_LENGTH,
  },
  {
    code: "too_long",
    message: `Must have at most ${MAX_PASSWORD_BYTES} bytes in UTF-8.`,
    allows: (password) => utf8(password).byteLength <= MAX_PASSWORD_BYTES,
  },
  {
    code: "invalid_characters",
    message: "Holds a character that cannot be typed again.",
    allows: (password) => password.isWellFormed(),
  },
  {
    code: "too_common",
    message: "Is one of the most common passwords.",
    allows: (password) => !COMMON_PASSWORDS.has(toComparisonKey(password)),
  },
  {
    code: "contains_username",
    message: "Must not contain the username.",
    allows: (password, { username }) => !contains(password, username),
  },
  {
    code: "contains_email",
    message: "Must not contain the name in the email address.",
    allows: (password, { email }) =>
      !contains(password, typeof email === "string" ? email.split("@", 1)[0] : undefined),
  },
];

// Shorter parts, such as a one-letter local part, are in most passwords by chance.
const MIN_PART_LENGTH = 3;

function contains(password: string, part: unknown): boolean {
  if (typeof part !== "string") return false;
  const key = toComparisonKey(part.trim());
  return key.length >= MIN_PART_LENGTH && toComparisonKey(password).includes(key);
}
