import type { Context } from "../../context.ts";
import {
  dayAfter,
  dayOf,
  type Seal,
  signSeal,
  startOf,
  timeOfId,
  toShortDigests,
} from "../../lib/audit-seal.ts";
import { HOUR } from "../../lib/time.ts";
import { createDayDigest, readDay } from "./day.ts";
import {
  findFirstEvent,
  findLatestSeal,
  insertSeal,
  putSealRow,
  type SealRow,
} from "./repository.ts";

/**
 * How long after its end a day is sealed: a request that took its time then has recorded its event. Also how long nothing is sealed
 * after a restore of the database, which sets the revocation epoch: `npm run backup` puts back the events that were lost.
 */
const DELAY_MS = HOUR;

/**
 * Seals the next day that is due: the one after the latest seal, or that of the first event. Returns the day, also if a concurrent
 * run sealed it first, or nothing if none is due.
 */
export async function sealNextDay(ctx: Context): Promise<readonly string[]> {
  const { db, d1 } = ctx;
  const { latest, first } = await d1.send({
    latest: findLatestSeal(db),
    first: findFirstEvent(db),
  });
  const [previous] = latest;
  const [event] = first;
  const day = previous ? dayAfter(previous.day) : event && dayOf(timeOfId(event.id));
  if (day === undefined) return [];
  const isComplete = Math.max(startOf(dayAfter(day)), ctx.revokedBefore) + DELAY_MS <= ctx.now();
  if (!isComplete) return [];
  const seal = await sealDay(ctx, day, previous?.digest ?? null);
  await d1.send({ sealed: insertSeal(db, toRow(seal, ctx.now()), previous?.day ?? null) });
  return [day];
}

/** Computes and signs the seal of a day, and stores the shortened digests of its events. */
async function sealDay(ctx: Context, day: string, previousDigest: string | null): Promise<Seal> {
  const [key] = ctx.config.signingKeys.values();
  if (!key) throw new Error("no signing key");
  const digest = createDayDigest(previousDigest);
  let [part, count] = [0, 0];
  let firstId: string | null = null;
  let lastId: string | null = null;
  for await (const { events, lines } of readDay(ctx, day)) {
    await digest.add(lines);
    if (lines.length === 0) continue;
    const digests = await toShortDigests(lines);
    await ctx.d1.send({ stored: putSealRow(ctx.db, { day, part, digests }) });
    part += 1;
    count += events.length;
    firstId ??= events[0]?.id ?? null;
    lastId = events.at(-1)?.id ?? lastId;
  }
  return signSeal(
    {
      day,
      count,
      first_id: firstId,
      last_id: lastId,
      digest: await digest.finish(),
      previous_digest: previousDigest,
    },
    key,
  );
}

function toRow(seal: Seal, sealedAt: number): SealRow {
  const { first_id: firstId, last_id: lastId, previous_digest: previousDigest, ...rest } = seal;
  return { ...rest, firstId, lastId, previousDigest, sealedAt, archivedAt: null, trimmedAt: null };
}
