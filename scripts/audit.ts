// npm run audit -- verify [--from DAY] [--to DAY] [--export FILE] [--jwks URL_OR_FILE] [--remote [--env ENV] | --persist-to DIR]
import { createReadStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { importJWK, type JWK } from "jose";
import { type ExportedEvents, readExport } from "./lib/audit-export.ts";
import { createSource } from "./lib/audit-source.ts";
import { verifyTrail } from "./lib/audit-verify.ts";
import { readCommandLine } from "./lib/command-line.ts";
import { main, UsageError } from "./lib/fail.ts";
import { readLocalSigningKeys } from "./lib/local-keys.ts";
import { keepLocalStores } from "./lib/local-stores.ts";
import { toEnvironment, toPlaceFlags } from "./lib/target.ts";

const USAGE = `Usage:
  npm run audit -- verify [--from YYYY-MM-DD] [--to YYYY-MM-DD] [--export FILE] [--jwks URL_OR_FILE]
Checks that the audit events of the sealed days, or of those from one day to another, are those that were sealed, in the database
and in the archive. Names the first event that was changed, added or is missing, and then ends with exit code 1.
--export compares a file, too: an archived day (.ndjson or .ndjson.gz), or an export of the API.
--jwks says where the public keys are, such as https://id.example.com/.well-known/jwks.json. By default, the local keys are used.
Uses the local database unless --remote is given. --persist-to DIR selects another local database, --env NAME the database of an
environment, of remote ones by default production.`;

const OPTIONS = {
  from: { type: "string" },
  to: { type: "string" },
  export: { type: "string" },
  jwks: { type: "string" },
  remote: { type: "boolean" },
  env: { type: "string", short: "e" },
  "persist-to": { type: "string" },
} as const;

const DAY = /^\d{4}-\d\d-\d\d$/;
const GZIP = [0x1f, 0x8b];

type Flags = ReturnType<typeof parse>["values"];

await main(async () => {
  const { values, positionals } = parse();
  const [command, ...others] = positionals;
  if (command !== "verify" || others.length > 0) throw new UsageError(USAGE);
  const { from, to } = values;
  for (const day of [from, to]) {
    if (day !== undefined && !DAY.test(day)) throw new UsageError(`${day} is not YYYY-MM-DD.`);
  }
  const where = toPlaceFlags(values);
  const trail = {
    source: createSource({ where, env: toEnvironment(values) }),
    keys: await readKeys(values),
    from,
    to,
    exported: values.export === undefined ? undefined : await readFileExport(values.export),
  };
  const outcome = await keepLocalStores(where, () => verifyTrail(trail));
  if ("finding" in outcome) throw new UsageError(outcome.finding);
  console.log(outcome.report.join("\n"));
});

function parse() {
  return readCommandLine(USAGE, { options: OPTIONS, allowPositionals: true });
}

async function readFileExport(file: string): Promise<ExportedEvents> {
  const handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(GZIP.length), 0, GZIP.length, 0);
  await handle.close();
  const isGzipped = GZIP.every((byte, index) => buffer[index] === byte);
  const content = createReadStream(file);
  const input = isGzipped ? content.pipe(createGunzip()) : content;
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  return readExport(lines).catch((error: unknown) => {
    throw new UsageError(`${file}: ${(error as Error).message}`);
  });
}

async function readKeys({ jwks, remote, env }: Flags): Promise<ReadonlyMap<string, CryptoKey>> {
  if (jwks === undefined && remote) {
    throw new UsageError(
      "--remote needs --jwks: the address of the service's keys, https://<your worker>/.well-known/jwks.json, or a file with them.",
    );
  }
  if (jwks === undefined) return readLocalSigningKeys(env);
  const text = await readText(jwks);
  try {
    const { keys } = JSON.parse(text) as { keys: JWK[] };
    const imported = keys.map(async (key): Promise<[string, CryptoKey]> => {
      return [key.kid ?? "", (await importJWK(key, "EdDSA")) as CryptoKey];
    });
    return new Map(await Promise.all(imported));
  } catch {
    throw new UsageError(`${jwks} is not a JWK Set of Ed25519 keys.`);
  }
}

async function readText(place: string): Promise<string> {
  if (!/^https?:/.test(place)) return readFile(place, "utf8");
  const response = await fetch(place).catch(() => undefined);
  if (!response?.ok) throw new UsageError(`${place} does not answer with the keys.`);
  return response.text();
}
