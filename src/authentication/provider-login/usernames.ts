import { normalizeUsername } from "../../lib/text.ts";

/** The shortest username. */
const MIN_LENGTH = 3;
/** Leaves room for a number, within the longest username. */
const MAX_LENGTH = 40;

/**
 * Usernames for a new account, the nicest first: from the local part of the address, else from the name, and then with random
 * numbers, so that one of them is free.
 */
export function listUsernames(email: string | undefined, name: string | undefined): string[] {
  const base =
    [email?.split("@")[0]?.split("+")[0], name].map(toUsername).find((one) => one !== undefined) ??
    "user";
  const numbers = [4, 8].map((digits) => `${base}-${randomDigits(digits)}`);
  return [base, ...numbers];
}

function toUsername(text: string | undefined): string | undefined {
  const username = normalizeUsername(text ?? "")
    .replace(/ +/g, ".")
    .replace(/[^A-Za-z0-9_.-]/g, "")
    .slice(0, MAX_LENGTH);
  return username.length < MIN_LENGTH ? undefined : username;
}

function randomDigits(count: number): string {
  const [value = 0] = crypto.getRandomValues(new Uint32Array(1));
  return String(value % 10 ** count).padStart(count, "0");
}
