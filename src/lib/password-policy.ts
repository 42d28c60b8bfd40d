import { utf8 } from "./bytes.ts";
import { COMMON_PASSWORDS } from "./common-passwords.ts";
import type { FaultCode } from "./fault-codes.ts";
import { countCodePoints, normalizePassword, toComparisonKey } from "./text.ts";

export const MIN_PASSWORD_LENGTH = 8;
/** The maximum number of code points of a password as typed. */
export const MAX_PASSWORD_LENGTH = 256;
const MAX_PASSWORD_BYTES = 256;

/** The names of a password's owner, which the password must not contain. Fields of the wrong type are ignored. */
export interface PasswordOwner {
  username?: unknown;
  email?: unknown;
}

interface PasswordRule {
  code: FaultCode;
  message: string;
  allows(password: string, owner: PasswordOwner): boolean;
}

/**
 * The rules for new passwords (NIST SP 800-63B section 3.1.1.2): length, common passwords, and the names of the owner. They apply
 * to the normalized password (see `normalizePassword`).
 */
export const PASSWORD_RULES: readonly PasswordRule[] = [
  {
    code: "too_short",
    message: `Must have at least ${MIN_PASSWORD_LENGTH} characters.`,
    allows: (password) => countPasswordLength(password) >= MIN_PASSWORD_LENGTH,
  },
  {
    code: "too_long",
    message: `Must have at most ${MAX_PASSWORD_BYTES} bytes in UTF-8.`,
    allows: (password) =>
      countCodePoints(password) <= MAX_PASSWORD_LENGTH &&
      utf8(normalizePassword(password)).byteLength <= MAX_PASSWORD_BYTES,
  },
  {
    code: "invalid_characters",
    message: "Must not contain invalid Unicode characters.",
    allows: (password) => password.isWellFormed(),
  },
  {
    code: "too_common",
    message: "Must not be a common password.",
    allows: (password) => !COMMON_PASSWORDS.has(toComparisonKey(password)),
  },
  {
    code: "contains_username",
    message: "Must not contain the username.",
    allows: (password, { username }) => !contains(password, username),
  },
  {
    code: "contains_email",
    message: "Must not contain the part of the email address before the @.",
    allows: (password, { email }) =>
      !contains(password, typeof email === "string" ? email.split("@", 1)[0] : undefined),
  },
];

/** The length of a password in code points, as the rules count it. */
export function countPasswordLength(password: string): number {
  return countCodePoints(normalizePassword(password));
}

// Shorter parts, such as a one-letter local part, occur in many passwords by chance.
const MIN_PART_LENGTH = 3;

function contains(password: string, part: unknown): boolean {
  if (typeof part !== "string") return false;
  const key = toComparisonKey(part.trim());
  return key.length >= MIN_PART_LENGTH && toComparisonKey(password).includes(key);
}
