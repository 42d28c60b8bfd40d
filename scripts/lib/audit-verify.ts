import {
  archiveKeysOf,
  dayAfter,
  isSignedBy,
  type Seal,
  type StoredEvent,
  startOf,
  toCanonicalJson,
} from "../../src/lib/audit-seal.ts";
import { firstIdAt } from "../../src/lib/ids.ts";
import { digestOf, findByShortDigests, findDifference, idOfLine } from "./audit-compare.ts";
import { type ExportedEvent, type ExportedEvents, isSameEvent } from "./audit-export.ts";

export interface StoredSeal extends Seal {
  archived_at: number | null;
  trimmed_at: number | null;
}

/** Where the trail is read from. */
export interface TrailSource {
  /** All seals, oldest first. */
  listSeals(): Promise<StoredSeal[]>;
  /** The events from one id up to another, in order. Ranges are asked for in their order. */
  readEvents(from: string, until: string): Promise<StoredEvent[]>;
  readShortDigests(day: string): Promise<string[]>;
  /** Reads an object of the archive; undefined if there is none. Absent if there is no archive. */
  readArchive?: (key: string) => Promise<Uint8Array<ArrayBuffer> | undefined>;
}

export interface Verification {
  source: TrailSource;
  /** The public keys that signatures are checked with, by `kid`. */
  keys: ReadonlyMap<string, CryptoKey>;
  /** The first and the last day; by default, of all that are sealed. */
  from?: string | undefined;
  to?: string | undefined;
  exported?: ExportedEvents | undefined;
}

/** What was checked, or the first thing that is wrong. */
export type Outcome = { finding: string } | { report: string[] };

/** A difference between the trail and its seals. The message names the day and, where it can, the event. */
class Finding extends Error {}

/** Checks that the events of a range of days are those that were sealed: none changed, none added, none missing. */
export async function verifyTrail(input: Verification): Promise<Outcome> {
  try {
    return { report: await check(input) };
  } catch (error) {
    if (error instanceof Finding) return { finding: error.message };
    throw error;
  }
}

async function check(input: Verification): Promise<string[]> {
  const seals = await input.source.listSeals();
  const [first, last] = [seals[0]?.day, seals.at(-1)?.day];
  if (first === undefined || last === undefined) {
    throw new Finding("No day is sealed yet: the hourly job seals a day one hour after its end.");
  }
  const { from = first, to = last } = input;
  for (const day of [from, to]) {
    if (day >= first && day <= last) continue;
    throw new Finding(`${day} is not sealed. The sealed days are ${first} to ${last}.`);
  }
  requireChain(seals, from);
  const note = await requireSignatures(
    seals.filter(({ day }) => day >= from),
    input.keys,
  );
  if (from === first) await requireNothingBefore(input.source, first);
  const tally = { days: 0, events: 0, unchecked: [] as string[] };
  for (const seal of seals.filter(({ day }) => day >= from && day <= to)) {
    const isChecked = await checkDay(input, seal);
    tally.days += 1;
    if (isChecked) tally.events += seal.count;
    else tally.unchecked.push(seal.day);
  }
  return [
    `${from} to ${to}: ${tally.days} days are as they were sealed, with ${tally.events} events.`,
    ...note,
    ...describeUnchecked(tally.unchecked),
  ];
}

function describeUnchecked(days: readonly string[]): string[] {
  if (days.length === 0) return [];
  return [
    `The events of ${days.length} days (${days[0]} to ${days.at(-1)}) were trimmed and are in no archive and no export: only their seals were checked.`,
  ];
}

function requireChain(seals: readonly StoredSeal[], from: string): void {
  for (const [index, seal] of seals.entries()) {
    const previous = seals[index - 1];
    if (seal.day < from) continue;
    const expected = previous ? dayAfter(previous.day) : seal.day;
    if (seal.day !== expected) throw new Finding(`${expected}: the seal of the day is missing.`);
    if (seal.previous_digest === (previous?.digest ?? null)) continue;
    throw new Finding(
      previous
        ? `${seal.day}: the seal does not continue that of ${previous.day}. One of them was changed.`
        : `${seal.day}: the seals of the days before are missing.`,
    );
  }
}

/**
 * Checks the signatures whose keys are known. A seal whose key is not known is proven by the chain if a later one is signed with a
 * known key.
 */
async function requireSignatures(
  seals: readonly StoredSeal[],
  keys: ReadonlyMap<string, CryptoKey>,
): Promise<string[]> {
  for (const seal of seals) {
    const key = keys.get(seal.kid);
    if (key && !(await isSignedBy(seal, key))) {
      throw new Finding(`${seal.day}: the seal was changed: its signature is not valid.`);
    }
  }
  const proven = seals.findLastIndex(({ kid }) => keys.has(kid));
  const unproven = seals[proven + 1];
  if (unproven) {
    throw new Finding(
      `${unproven.day}: the seal is signed with the key ${unproven.kid}, which is not known, and no later seal proves it. ` +
        "Give the public keys with --jwks.",
    );
  }
  const old = seals.filter(({ kid }) => !keys.has(kid));
  if (old.length === 0) return [];
  const kids = [...new Set(old.map(({ kid }) => kid))].join(", ");
  return [
    `${old.length} seals until ${old.at(-1)?.day} are signed with keys that are not known (${kids}). They are proven by the chain up to ` +
      `the seal of ${seals[proven]?.day}.`,
  ];
}

async function requireNothingBefore(source: TrailSource, first: string): Promise<void> {
  const [event] = await source.readEvents("", firstIdAt(startOf(first)));
  if (event) {
    throw new Finding(`The event ${event.id} was added: it is before ${first}, the first day.`);
  }
}

/** What a place has of a day. `isSealed` if that is what was sealed. */
interface Copy {
  place: "the database" | "the archive" | "the export";
  lines: readonly string[];
  isSealed: boolean;
}

/** Returns whether the events of the day could be checked. */
async function checkDay(input: Verification, seal: StoredSeal): Promise<boolean> {
  const { source, exported } = input;
  const { day } = seal;
  const until = firstIdAt(startOf(dayAfter(day)));
  const stored = await source.readEvents(firstIdAt(startOf(day)), until);
  const inDatabase = stored.map(toCanonicalJson);
  const copies = await listCopies(input, seal, inDatabase);
  const sealed = copies.find(({ isSealed }) => isSealed)?.lines;
  const exportedEvents = exported?.exported.get(day) ?? [];
  const wrong = copies.find(({ isSealed }) => !isSealed);
  if (wrong) {
    const what = sealed
      ? findDifference(wrong.lines, sealed)
      : await guessDifference(wrong.lines, await source.readShortDigests(day), exportedEvents);
    throw new Finding(`${day}: in ${wrong.place}, ${what ?? "the events differ from the seal"}.`);
  }
  if (!sealed) return false;
  if (seal.trimmed_at !== null) requireRemains(day, inDatabase, sealed);
  requireContent(seal, sealed);
  requireExported(day, exportedEvents, sealed);
  return true;
}

/** What is to have all events of a day. The database does not, once the day is trimmed. */
async function listCopies(
  { source, exported }: Verification,
  seal: StoredSeal,
  inDatabase: readonly string[],
): Promise<Copy[]> {
  const candidates = [
    ["the database", seal.trimmed_at === null ? inDatabase : undefined],
    ["the archive", await readArchived(source, seal)],
    ["the export", exported?.archived.get(seal.day)],
  ] as const;
  const copies: Copy[] = [];
  for (const [place, lines] of candidates) {
    if (!lines) continue;
    const isSealed = (await digestOf(seal.previous_digest, lines)) === seal.digest;
    copies.push({ place, lines, isSealed });
  }
  return copies;
}

/** The lines of an archived day. What is not gzipped text is a day with one line that is no event. */
async function readArchived(
  { readArchive }: TrailSource,
  { day, archived_at }: StoredSeal,
): Promise<string[] | undefined> {
  if (!readArchive || archived_at === null) return undefined;
  const bytes = await readArchive(archiveKeysOf(day).events);
  if (!bytes) throw new Finding(`${day}: the archive has no events of this day.`);
  const text = await gunzip(bytes).catch(() => "?");
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

// An export of the API can name an event that is missing.
async function guessDifference(
  lines: readonly string[],
  digests: readonly string[],
  exported: readonly ExportedEvent[],
): Promise<string | undefined> {
  const guess = await findByShortDigests(lines, digests);
  const { gap } = guess ?? {};
  const ids = exported.map(({ id }) => id).sort();
  const missing = gap && ids.find((id) => id > gap.after && id < gap.before);
  return missing ? `the event ${missing} is missing` : guess?.text;
}

// While a day is being trimmed, the database has some of its events.
function requireRemains(
  day: string,
  remaining: readonly string[],
  sealed: readonly string[],
): void {
  const known = new Set(sealed);
  const foreign = remaining.find((line) => !known.has(line));
  if (foreign === undefined) return;
  const id = idOfLine(foreign);
  const how = sealed.some((line) => idOfLine(line) === id) ? "changed" : "added";
  throw new Finding(`${day}: in the database, the event ${id} was ${how}.`);
}

// The digest covers the events. Seals with unknown keys have nothing else that covers these fields.
function requireContent(seal: StoredSeal, lines: readonly string[]): void {
  const [firstLine, lastLine] = [lines[0], lines.at(-1)];
  const isSame =
    seal.count === lines.length &&
    seal.first_id === (firstLine === undefined ? null : idOfLine(firstLine)) &&
    seal.last_id === (lastLine === undefined ? null : idOfLine(lastLine));
  if (!isSame) throw new Finding(`${seal.day}: the seal was changed: its events are others.`);
}

function requireExported(
  day: string,
  exported: readonly ExportedEvent[],
  sealed: readonly string[],
): void {
  if (exported.length === 0) return;
  const events = new Map(
    sealed.map((line) => JSON.parse(line) as StoredEvent).map((event) => [event.id, event]),
  );
  for (const event of exported.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const stored = events.get(event.id);
    if (!stored) throw new Finding(`${day}: in the export, the event ${event.id} was added.`);
    if (isSameEvent(event, stored)) continue;
    throw new Finding(`${day}: in the export, the event ${event.id} was changed.`);
  }
}
