import { z } from "@hono/zod-openapi";
import { normalizeEmail, normalizeUsername } from "../lib/text.ts";
import { fault, text } from "./fields.ts";

const NAME_CHARACTERS = "[A-Za-z0-9_.-]";
const MIN_NAME_LENGTH = 3;
const MAX_NAME_LENGTH = 50;

const EMAIL_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const EMAIL_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const MAX_EMAIL_LENGTH = 254;

const toEmailPattern = (spaces: string, lengthLimit = "") =>
  `^${spaces}(?=[^@]{1,64}@)${lengthLimit}${EMAIL_ATOM}(?:\\.${EMAIL_ATOM})*` +
  `@(?:${EMAIL_LABEL}\\.)+(?!\\d+${spaces}$)${EMAIL_LABEL}${spaces}$`;

// The patterns of JSON Schema apply to what is sent, the rules to what is left without the spaces around it.

const NAME = new RegExp(`^${NAME_CHARACTERS}*$`);
const EMAIL = new RegExp(toEmailPattern(""));

/** A username. Unique, regardless of case. */
export const Username = z
  .string()
  .overwrite(normalizeUsername)
  .refine(
    (name) => name.length >= MIN_NAME_LENGTH,
    fault("too_short", `Must have at least ${MIN_NAME_LENGTH} characters.`),
  )
  .refine(
    (name) => name.length <= MAX_NAME_LENGTH,
    fault("too_long", `Must have at most ${MAX_NAME_LENGTH} characters.`),
  )
  .refine(
    (name) => NAME.test(name),
    fault("invalid_format", "Must contain only letters, digits, `_`, `.` and `-`."),
  )
  .openapi("Username", {
    pattern: `^ *${NAME_CHARACTERS}{${MIN_NAME_LENGTH},${MAX_NAME_LENGTH}} *$`,
    description:
      "3 to 50 letters, digits, `_`, `.` and `-`. Unique, regardless of case. The case is kept for display. Spaces around it are removed, " +
      "and compatibility characters, such as full-width letters, are replaced (NFKC).",
    example: "ada",
  });

/** An email address (RFC 5321). Unique, regardless of case. */
export const Email = z
  .string()
  .overwrite(normalizeEmail)
  .refine(
    (email) => email.length <= MAX_EMAIL_LENGTH,
    fault("too_long", `Must have at most ${MAX_EMAIL_LENGTH} characters.`),
  )
  .refine((email) => EMAIL.test(email), fault("invalid_format", "Must be an email address."))
  .openapi("EmailAddress", {
    pattern: toEmailPattern(" *", `(?=[^ ]{1,${MAX_EMAIL_LENGTH}} *$)`),
    description: "Unique, regardless of case. Spaces around it are removed.",
    example: "ada@example.com",
  });

/** A name of a person, in whole or in part. It need not be unique. */
export const PersonName = text(100).nullable().openapi("PersonName", { example: "Ada" });
