import { env } from "cloudflare:workers";
import { type ExportedEvents, readExport } from "../../scripts/lib/audit-export.ts";
import {
  type TrailSource,
  type Verification,
  verifyTrail,
} from "../../scripts/lib/audit-verify.ts";
import { importSigningKeys } from "../../src/lib/jwk.ts";
import { sqlAll } from "./fixtures.ts";
import { readSeals, readStored } from "./seals.ts";

/** The trail of the test's own stores, as `npm run audit` reads it from a database and a bucket. */
const source: TrailSource = {
  listSeals: readSeals,
  readEvents: readStored,
  readShortDigests: async (day) =>
    (
      await sqlAll<{ digests: string }>(
        "SELECT digests FROM audit_seal_rows WHERE day = ? ORDER BY part",
        day,
      )
    ).map(({ digests }) => digests),
  readArchive: async (key) => {
    const object = await env.ARCHIVE.get(key);
    return object ? new Uint8Array(await object.arrayBuffer()) : undefined;
  },
};

const { readArchive: _, ...withoutArchive } = source;

/** The public keys of a set of signing keys, by `kid`. */
export async function publicKeysOf(text: string): Promise<Map<string, CryptoKey>> {
  const keys = await importSigningKeys(text);
  return new Map([...keys.values()].map(({ kid, publicKey }) => [kid, publicKey]));
}

/** Verifies the trail as `npm run audit -- verify` does. Returns what it prints. */
export async function verify({
  hasArchive = true,
  ...input
}: Partial<Verification> & { hasArchive?: boolean } = {}): Promise<string> {
  const outcome = await verifyTrail({
    source: hasArchive ? source : withoutArchive,
    keys: await publicKeysOf(env.SIGNING_KEYS),
    ...input,
  });
  return "finding" in outcome ? outcome.finding : outcome.report.join("\n");
}

/** Reads an export as `--export` does. */
export function readLines(lines: readonly string[]): Promise<ExportedEvents> {
  async function* walk() {
    yield* lines;
  }
  return readExport(walk());
}
