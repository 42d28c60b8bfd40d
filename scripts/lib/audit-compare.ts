import { createSealedText, SHORT_DIGEST_BYTES, toShortDigests } from "../../src/lib/audit-seal.ts";
import { fromBase64Url, toHex, utf8 } from "../../src/lib/bytes.ts";

/** The digest of a day, as a seal has it, from the lines of its events. */
export async function digestOf(
  previousDigest: string | null,
  lines: readonly string[],
): Promise<string> {
  const text = utf8(createSealedText(previousDigest)(lines));
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", text)));
}

/** The id of the event in a line; undefined if the line is no event. */
export function idOfLine(line: string): string | undefined {
  try {
    const { id } = JSON.parse(line) as { id?: unknown };
    return typeof id === "string" ? id : undefined;
  } catch {
    return undefined;
  }
}

/** The first event in which the lines of a day differ from those that were sealed, in words. Undefined if there is none. */
export function findDifference(
  lines: readonly string[],
  sealed: readonly string[],
): string | undefined {
  const length = Math.max(lines.length, sealed.length);
  const at = Array.from({ length }).findIndex((_, index) => lines[index] !== sealed[index]);
  if (at < 0) return undefined;
  const [found, expected] = [lines[at], sealed[at]];
  const id = found === undefined ? undefined : idOfLine(found);
  const expectedId = expected === undefined ? undefined : idOfLine(expected);
  if (found !== undefined && id === undefined) return `line ${at + 1} is not an event`;
  if (id === expectedId) return `the event ${id} was changed`;
  const isAdded = expectedId === undefined || (id !== undefined && id < expectedId);
  return isAdded ? `the event ${id} was added` : `the event ${expectedId} is missing`;
}

/** A difference that was found without the sealed events. */
interface Guess {
  text: string;
  /** The ids between which an event is missing, if one is. The empty string and `g` are before and after all ids. */
  gap?: { after: string; before: string };
}

/**
 * The first event in which the lines of a day differ from those that were sealed, by the shortened digests that were stored. The id
 * of a missing event is not known. Undefined if the shortened digests show no difference.
 */
export async function findByShortDigests(
  lines: readonly string[],
  stored: readonly string[],
): Promise<Guess | undefined> {
  const sealed = stored.flatMap(splitDigests);
  const actual = splitDigests(await toShortDigests(lines));
  const length = Math.max(actual.length, sealed.length);
  const at = Array.from({ length }).findIndex((_, index) => actual[index] !== sealed[index]);
  if (at < 0) return undefined;
  const isNew = at < actual.length && !sealed.includes(actual[at] ?? "");
  const isGone = at < sealed.length && !actual.includes(sealed[at] ?? "");
  const id = idOfLine(lines[at] ?? "");
  if (isNew) return { text: `the event ${id} was ${isGone ? "changed" : "added"}` };
  const after = idOfLine(lines[at - 1] ?? "") ?? "";
  const gap = { after, before: id ?? "g" };
  const place = [after && `after ${after}`, id && `before ${id}`].filter(Boolean).join(" and ");
  return { text: `an event ${place || "of this day"} is missing`, gap };
}

function splitDigests(digests: string): string[] {
  const bytes = fromBase64Url(digests) ?? new Uint8Array();
  const starts = Array.from(
    { length: bytes.length / SHORT_DIGEST_BYTES },
    (_, index) => index * SHORT_DIGEST_BYTES,
  );
  return starts.map((start) => toHex(bytes.subarray(start, start + SHORT_DIGEST_BYTES)));
}
