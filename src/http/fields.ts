import { z } from "@hono/zod-openapi";
import { countCodePoints, isVisibleText, normalizeName } from "../lib/text.ts";

const LINE_BREAKS = /[\n\r\t]/g;

/** Longer than any token that Roster issues, so that a token of the wrong kind is refused as invalid, not as too long. */
export const MAX_TOKEN_LENGTH = 1536;

/** A time in a response (RFC 3339, in UTC). */
export const Timestamp = z.iso.datetime().openapi({ example: "2026-11-20T08:00:00.000Z" });

/** A line of text for people: trimmed, at most `maxLength` code points, without control or invisible characters. */
export function text(maxLength: number) {
  return bounded(maxLength).refine(isVisibleText, INVISIBLE).openapi({ maxLength });
}

/** As `text`, but line breaks and tabs are allowed. */
export function multilineText(maxLength: number) {
  return bounded(maxLength)
    .refine((value) => isVisibleText(value.replace(LINE_BREAKS, "")), INVISIBLE)
    .openapi({ maxLength });
}

const INVISIBLE = {
  message: "Must not contain control or invisible characters.",
  params: { code: "invalid_characters" },
};

function bounded(maxLength: number) {
  return z
    .string()
    .overwrite(normalizeName)
    .refine((value) => countCodePoints(value) <= maxLength, {
      message: `Must have at most ${maxLength} characters.`,
      params: { code: "too_long" },
    });
}
