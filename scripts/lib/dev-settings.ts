import { randomBytes } from "node:crypto";
import { base64url } from "jose";
import { DEVELOPMENT_KEY_PREFIX } from "../../src/lib/jwk.ts";
import { readVars, setVar, type Vars, writeVars } from "./dev-vars.ts";
import { newKeySettings } from "./new-keys.ts";

const EMPTY_KEY_SET = /^\{\s*"keys"\s*:\s*\[\s*\]\s*\}$/;

interface DevSettings {
  vars: Vars;
  /** The names of the settings that were generated now. */
  generated: readonly string[];
}

/**
 * Reads the settings of local development. Writes the file if it does not exist, and fills in what it leaves empty, such as the
 * keys and the password of a copy of `.dev.vars.example`. Other values stay as they are.
 */
export async function prepareDevSettings(file: string): Promise<DevSettings> {
  const existing = readVars(file);
  if (existing) return fillIn(file, existing);
  const vars = await generate();
  writeVars(
    file,
    vars,
    "Secrets for local development, created by `npm run dev`. Production refuses these keys.",
  );
  console.log(`Wrote new secrets to ${file}.`);
  return { vars, generated: Object.keys(vars) };
}

async function fillIn(file: string, existing: Vars): Promise<DevSettings> {
  const { SERVER_TIMING, ...required } = await generate();
  const wanted: Vars = { ...required, ...("SERVER_TIMING" in existing && { SERVER_TIMING }) };
  const missing = Object.entries(wanted).filter(([name]) => isEmpty(existing[name]));
  for (const [name, value] of missing) setVar(file, name, value);
  const generated = missing.map(([name]) => name);
  if (generated.length > 0)
    console.log(`Filled in what ${file} left empty: ${generated.join(", ")}.`);
  return { vars: { ...existing, ...Object.fromEntries(missing) }, generated };
}

function isEmpty(value: string | undefined): boolean {
  return value === undefined || value.trim() === "" || EMPTY_KEY_SET.test(value.trim());
}

async function generate() {
  return {
    ENVIRONMENT: "development",
    SERVER_TIMING: "on",
    ...(await newKeySettings(DEVELOPMENT_KEY_PREFIX)),
    DEV_ADMIN_EMAIL: "admin@roster.example",
    DEV_ADMIN_USERNAME: "admin",
    DEV_ADMIN_PASSWORD: base64url.encode(randomBytes(12)),
  };
}
