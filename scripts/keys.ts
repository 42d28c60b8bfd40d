// npm run keys -- generate [--file F] | rotate signing|mac --file F [--keep N]
import { parseArgs } from "node:util";
import type { JWK } from "jose";
import { readVars, setVar, writeVars } from "./lib/dev-vars.ts";
import { main, UsageError } from "./lib/fail.ts";
import { newMacKey, newSigningKey } from "./lib/new-keys.ts";

const USAGE = `Usage:
  npm run keys -- generate [--file FILE]              new keys, to the terminal or to a new file
  npm run keys -- rotate signing|mac --file FILE [--keep N]
      puts a new key first, so that it signs, and keeps the N keys before it (default 1), so that they still verify
The file is one of KEY=value lines. Upload it with: npx wrangler secret bulk FILE`;

const SETTINGS = { signing: "SIGNING_KEYS", mac: "MAC_KEYS" } as const;
const COMMENT = "Secrets of Roster. Keep this file out of the repository and in a safe place.";

await main(async () => {
  const { values, positionals } = parse();
  const [command, kind] = positionals;
  if (command === "generate") return generate(values.file);
  if (command === "rotate" && (kind === "signing" || kind === "mac") && values.file) {
    return rotate(kind, values.file, Number(values.keep));
  }
  throw new UsageError(USAGE);
});

function parse() {
  try {
    const options = { file: { type: "string" }, keep: { type: "string", default: "1" } } as const;
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
}

async function generate(file: string | undefined): Promise<void> {
  const vars = {
    SIGNING_KEYS: JSON.stringify({ keys: [await newSigningKey()] }),
    MAC_KEYS: JSON.stringify({ keys: [newMacKey()] }),
  };
  if (!file) {
    for (const [name, value] of Object.entries(vars)) console.log(`${name}='${value}'`);
    return;
  }
  const existing = readVars(file);
  if (existing?.SIGNING_KEYS || existing?.MAC_KEYS) {
    throw new UsageError(
      `${file} holds keys already: use rotate, which keeps the old ones valid for a while.`,
    );
  }
  writeVars(file, { ...existing, ...vars }, COMMENT);
  console.log(`Keys written to ${file}. Upload them with: npx wrangler secret bulk ${file}`);
}

async function rotate(kind: keyof typeof SETTINGS, file: string, keep: number): Promise<void> {
  if (!Number.isInteger(keep) || keep < 0) throw new UsageError("--keep takes a whole number.");
  const vars = readVars(file);
  const setting = SETTINGS[kind];
  if (!vars?.[setting])
    throw new UsageError(
      `${file} has no ${setting}. Make keys with: npm run keys -- generate --file ${file}`,
    );
  const keys = parseKeys(vars[setting]);
  if (!keys) throw new UsageError(`${file}: ${setting} is not a JWK set with at least one key.`);
  const prefix = keys[0]?.kid?.startsWith("dev-") ? "dev-" : "";
  const fresh = kind === "signing" ? await newSigningKey(prefix) : newMacKey(prefix);
  const rotated = { keys: [fresh, ...keys.slice(0, keep)] };
  setVar(file, setting, JSON.stringify(rotated));
  console.log(
    `${setting} in ${file}: ${fresh.kid} signs from now on, ${rotated.keys.length - 1} older still verify.`,
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
