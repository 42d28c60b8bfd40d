// npm run keys -- generate [--file F] | rotate signing|mac|data|pepper --file F [--keep N]
import type { JWK } from "jose";
import { DEVELOPMENT_KEY_PREFIX } from "../src/lib/jwk.ts";
import { readCommandLine } from "./lib/command-line.ts";
import { readVars, setVar, writeVars } from "./lib/dev-vars.ts";
import { main, UsageError } from "./lib/fail.ts";
import { newDataKey, newKeySettings, newMacKey, newSigningKey } from "./lib/new-keys.ts";

const USAGE = `Usage:
  npm run keys -- generate [--file FILE]
      prints new keys, or writes them to a file without keys
  npm run keys -- rotate signing|mac|data|pepper --file FILE [--keep N]
      puts a new key first, to sign and encrypt with, and keeps the N previous keys, to verify and decrypt with.
      Default for N: 1, or all for data and pepper keys, because data and passwords that need a removed key are lost.
The file has one KEY=value per line. Upload it with: npx wrangler secret bulk FILE --env NAME`;

const KINDS = {
  signing: { setting: "SIGNING_KEYS", keep: 1, isOptional: false, newKey: newSigningKey },
  mac: { setting: "MAC_KEYS", keep: 1, isOptional: false, newKey: newMacKey },
  data: { setting: "DATA_KEYS", keep: Infinity, isOptional: false, newKey: newDataKey },
  pepper: { setting: "PEPPER_KEYS", keep: Infinity, isOptional: true, newKey: newMacKey },
} as const;
const COMMENT = "Secrets of Roster. Keep this file out of the repository and in a safe place.";

await main(async () => {
  const { values, positionals } = parse();
  const [command, kind] = positionals;
  if (command === "generate") return generate(values.file);
  if (command === "rotate" && isKind(kind) && values.file) {
    return rotate(kind, values.file, values.keep);
  }
  throw new UsageError(USAGE);
});

function parse() {
  const options = { file: { type: "string" }, keep: { type: "string" } } as const;
  return readCommandLine(USAGE, { options, allowPositionals: true });
}

async function generate(file: string | undefined): Promise<void> {
  const vars = await newKeySettings();
  if (!file) {
    for (const [name, value] of Object.entries(vars)) console.log(`${name}='${value}'`);
    return;
  }
  const existing = readVars(file);
  if (Object.keys(vars).some((name) => existing?.[name])) {
    throw new UsageError(
      `${file} already contains keys. Use rotate, which keeps the previous keys valid.`,
    );
  }
  writeVars(file, { ...existing, ...vars }, COMMENT);
  console.log(
    `Keys written to ${file}. Upload them with: npx wrangler secret bulk ${file} --env NAME`,
  );
}

function isKind(kind: string | undefined): kind is keyof typeof KINDS {
  return kind !== undefined && Object.hasOwn(KINDS, kind);
}

async function rotate(kind: keyof typeof KINDS, file: string, keepText = ""): Promise<void> {
  const { setting, isOptional, newKey, keep: defaultKeep } = KINDS[kind];
  if (!/^\d*$/.test(keepText)) throw new UsageError("--keep takes a whole number.");
  const keep = keepText ? Number(keepText) : defaultKeep;
  const vars = readVars(file);
  if (!vars || (!vars[setting] && !isOptional)) {
    throw new UsageError(
      `${file} has no ${setting}. Generate keys with: npm run keys -- generate --file ${file}`,
    );
  }
  const keys = vars[setting] ? parseKeys(vars[setting]) : [];
  if (!keys) throw new UsageError(`${file}: ${setting} is not a JWK Set with at least one key.`);
  const isDevelopment = [vars.SIGNING_KEYS, vars[setting]].some((text) =>
    text?.includes(`"${DEVELOPMENT_KEY_PREFIX}`),
  );
  const fresh = await newKey(isDevelopment ? DEVELOPMENT_KEY_PREFIX : "");
  const kept = keys.slice(0, keep);
  setVar(file, setting, JSON.stringify({ keys: [fresh, ...kept] }));
  console.log(
    `${setting} in ${file}: the first key is now ${fresh.kid}. Previous keys kept: ${kept.length}.`,
  );
}

function parseKeys(text: string): JWK[] | undefined {
  try {
    const { keys } = JSON.parse(text) as { keys?: JWK[] };
    return Array.isArray(keys) && keys.length > 0 ? keys : undefined;
  } catch {
    return undefined;
  }
}
