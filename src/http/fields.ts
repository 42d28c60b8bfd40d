import { z } from "@hono/zod-openapi";
import { countCodePoints, isVisibleText, normalizeName } from "../lib/text.ts";

const LINE_BREAKS = /[\n\r\t]/g;

/** No token of ours is longer; every kind fits, so that one in the place of another is refused as a token and not for its length. */
export const MAX_TOKEN_LENGTH = 1536;

/** A moment in an answer. */
export const Timestamp = z.iso.datetime().openapi({ example: "2026-11-20T08:00:00.000Z" });

/** Text that people wrote for people: trimmed, at most so many characters, nothing in it that cannot be seen. */
export function text(maxLength: number) {
  return bounded(maxLength).refine(isVisibleText, INVISIBLE).openapi({ maxLength });
}

/** The same with line breaks and tabs. */
export function multilineText(maxLength: number) {
  return bounded(maxLength)
    .refine((value) => isVisibleText(value.replace(LINE_BREAKS, "")), INVISIBLE)
    .openapi({ maxLength });
}

const INVISIBLE = {
  message: "Holds control or invisible characters.",
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
