import type { Context } from "../../context.ts";
import {
  createSealedText,
  dayAfter,
  type StoredEvent,
  startOf,
  toCanonicalJson,
} from "../../lib/audit-seal.ts";
import { toHex, utf8 } from "../../lib/bytes.ts";
import { firstIdAt } from "../../lib/ids.ts";
import type { SealRow } from "./repository.ts";
import { listStoredEvents } from "./repository.ts";

/** How many events are read per round trip. Only one page is in memory at a time. Also the number of digests per row of `audit_seal_rows`. */
const PAGE_EVENTS = 1000;

/** A page of events, and their lines as they are sealed and archived. */
interface DayPage {
  events: readonly StoredEvent[];
  lines: readonly string[];
}

/** The events of a day as they are stored, in the order of their ids. The last page can be empty. */
export async function* readDay({ db, d1 }: Context, day: string): AsyncGenerator<DayPage> {
  const from = firstIdAt(startOf(day));
  const until = firstIdAt(startOf(dayAfter(day)));
  let after: string | undefined;
  for (;;) {
    const page = listStoredEvents(db, { from, after, until }, PAGE_EVENTS);
    const { events } = await d1.send({ events: page });
    yield { events, lines: events.map(toCanonicalJson) };
    if (events.length < PAGE_EVENTS) return;
    after = events.at(-1)?.id;
  }
}

/** Computes the digest of a day from its lines, page by page. */
export function createDayDigest(previousDigest: string | null) {
  const stream = new crypto.DigestStream("SHA-256");
  const writer = stream.getWriter();
  const toText = createSealedText(previousDigest);
  return {
    add: (lines: readonly string[]) => writer.write(utf8(toText(lines))),
    /** The digest in hex. */
    async finish(): Promise<string> {
      // Of a day without lines, the text is the previous digest.
      await writer.write(utf8(toText([])));
      await writer.close();
      return toHex(new Uint8Array(await stream.digest));
    },
  };
}

/** A day is no longer what its seal says. `message` is never logged; the name and the day are. */
export class SealMismatch extends Error {
  override readonly name = "SealMismatch";
}

/** Logs that a day, or its archive, differs from its seal, and returns the error that fails the job. */
export function reportMismatch(
  { log }: Pick<Context, "log">,
  place: "database" | "archive",
  { day }: Pick<SealRow, "day">,
): SealMismatch {
  log("error", "audit.seal_mismatch", { place, day });
  return new SealMismatch(`the events of ${day} in the ${place} differ from their seal`);
}

/** Throws `SealMismatch` if the events of a day in D1 differ from its seal. */
export async function requireIntact(ctx: Context, seal: SealRow): Promise<void> {
  const digest = createDayDigest(seal.previousDigest);
  for await (const { lines } of readDay(ctx, seal.day)) await digest.add(lines);
  if ((await digest.finish()) !== seal.digest) throw reportMismatch(ctx, "database", seal);
}
