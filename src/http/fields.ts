import { z } from "@hono/zod-openapi";
import type { Fault } from "../errors.ts";
import type { FaultCode } from "../lib/fault-codes.ts";
import { countCodePoints, isVisibleText, normalizeName } from "../lib/text.ts";

const LINE_BREAKS = /[\n\r\t]/g;

// The characters that `isVisibleText` refuses, of those that have one UTF-16 code unit.
const INVISIBLE_CLASS =
  "\\u007F-\\u009F\\u00AD\\u0600-\\u0605\\u061C\\u06DD\\u070F\\u0890\\u0891\\u08E2\\u180E\\u200B\\u200E\\u200F" +
  "\\u2028-\\u202E\\u2060-\\u2064\\u2066-\\u206F\\uFEFF\\uFFF9-\\uFFFB";

/** `isVisibleText` as a pattern of JSON Schema, except for characters beyond U+FFFF. */
export const VISIBLE_PATTERN = `^[^\\u0000-\\u001F${INVISIBLE_CLASS}]*$`;
const VISIBLE_LINES_PATTERN = `^[^\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F${INVISIBLE_CLASS}]*$`;

/**
 * Longer than any token that Roster issues but the access tokens of roles with many permissions, so that a token of the wrong kind is
 * refused as invalid, not as too long.
 */
export const MAX_TOKEN_LENGTH = 1536;

/** A time in a response (RFC 3339, in UTC). */
export const Timestamp = z.iso.datetime().openapi({ example: "2026-11-20T08:00:00.000Z" });

/** The message of a rule and the code of its fault. */
export function fault(code: FaultCode, message: string) {
  return { message, params: { code } };
}

/** A line of text for people: trimmed, at most `maxLength` code points, without control or invisible characters. */
export function text(maxLength: number) {
  return bounded(maxLength)
    .refine(isVisibleText, INVISIBLE)
    .openapi({ maxLength, pattern: VISIBLE_PATTERN });
}

/** As `text`, but line breaks and tabs are allowed. */
export function multilineText(maxLength: number) {
  return bounded(maxLength)
    .refine((value) => isVisibleText(value.replace(LINE_BREAKS, "")), INVISIBLE)
    .openapi({ maxLength, pattern: VISIBLE_LINES_PATTERN });
}

/** A text that is compared as it is, such as a token: 1 to `maxLength` code points. */
export function opaqueText(maxLength: number) {
  return z
    .string()
    .min(1)
    .refine((value) => countCodePoints(value) <= maxLength, tooLong(maxLength))
    .openapi({ maxLength });
}

/**
 * A field that PUT accepts because GET returns it, with its OpenAPI schema. The service ignores it if it is unchanged and
 * refuses it otherwise (see `findReadOnlyFaults`).
 */
export function readOnlyField(schema: {
  type: "string" | "boolean" | ["string", "null"];
  format?: string;
}) {
  return z
    .unknown()
    .optional()
    .openapi({ ...schema, readOnly: true });
}

/** A fault for each read-only field that was sent with another value than the current one. */
export function findReadOnlyFaults<const Name extends string>(
  input: Readonly<Partial<Record<Name, unknown>>>,
  current: Readonly<Record<Name, unknown>>,
  names: readonly Name[],
): Fault[] {
  const message = "Cannot be changed. Leave it out, or send the current value.";
  return names
    .filter((name) => input[name] !== undefined && input[name] !== current[name])
    .map((path) => ({ path, code: "read_only", message }));
}

const INVISIBLE = fault("invalid_characters", "Must not contain control or invisible characters.");

function tooLong(maxLength: number) {
  return fault("too_long", `Must have at most ${maxLength} characters.`);
}

// The length is checked as sent and as stored, because normalization can lengthen a text.
function bounded(maxLength: number) {
  const isShort = (value: string) => countCodePoints(value) <= maxLength;
  const rule = tooLong(maxLength);
  return z
    .string()
    .refine(isShort, { ...rule, abort: true })
    .overwrite(normalizeName)
    .refine(isShort, rule);
}
