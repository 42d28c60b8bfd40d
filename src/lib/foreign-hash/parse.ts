import type { FaultCode } from "../fault-codes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A password hash that another system made. */
export type ForeignHash =
  | { kind: "pbkdf2"; digest: "SHA-256" | "SHA-512"; iterations: number; salt: Bytes; hash: Bytes }
  | { kind: "bcrypt"; text: string }
  | ({ kind: "scrypt"; salt: Bytes; hash: Bytes } & ScryptCost)
  | { kind: "argon2id"; kib: number; passes: number; lanes: number; salt: Bytes; hash: Bytes }
  | ({
      kind: "firebase";
      signerKey: Bytes;
      separator: Bytes;
      salt: Bytes;
      hash: Bytes;
    } & ScryptCost);

interface ScryptCost {
  n: number;
  r: number;
  p: number;
}

/** Why a hash is refused. */
export interface HashFault {
  code: FaultCode;
  message: string;
}

/** The parameters of a Firebase project, as its console shows them. The signer key is a secret. */
export interface FirebaseParameters {
  base64_signer_key: string;
  base64_salt_separator: string;
  rounds: number;
  mem_cost: number;
}

const MAX_LENGTH = 1024;

/**
 * The limits on what a login may cost. An isolate has 128 MB, and whoever knows a username can cause the work. The slowest hash
 * within them takes about as long as PBKDF2-SHA-256 with 1,500,000 iterations, the default of Django 6.1.
 */
const LIMITS = {
  bytes: 48 * 1024 * 1024,
  iterations: { "SHA-256": 1_500_000, "SHA-512": 500_000 },
  bcryptCost: 14,
  /** N × r × p of scrypt. */
  scryptWork: 2 ** 21,
  /** KiB × passes of Argon2. */
  argonWork: 4 * 48 * 1024,
  argonLanes: 16,
};

const B64 = "([A-Za-z0-9+/._-]+={0,2})";
const PBKDF2 = new RegExp(
  `^\\$pbkdf2-sha(256|512)\\$(?:i=)?(\\d{1,8})(?:,l=\\d{1,3})?\\$${B64}\\$${B64}$`,
);
const DJANGO = new RegExp(`^pbkdf2_sha256\\$(\\d{1,8})\\$([!-#%-~]{1,64})\\$${B64}$`);
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const SCRYPT = new RegExp(
  `^\\$scrypt\\$ln=(\\d{1,2}),r=(\\d{1,3}),p=(\\d{1,3})\\$${B64}\\$${B64}$`,
);
const ARGON2ID = new RegExp(
  `^\\$argon2id\\$v=19\\$m=(\\d{1,7}),t=(\\d{1,4}),p=(\\d{1,3})\\$${B64}\\$${B64}$`,
);
const FIREBASE_BARE = new RegExp(`^\\$firebase-scrypt\\$${B64}\\$${B64}$`);
const FIREBASE = new RegExp(
  `^\\$firebase-scrypt\\$m=(\\d{1,2}),r=(\\d{1,3}),s=([\\w-]*),k=${B64}\\$${B64}\\$${B64}$`,
);

const UNKNOWN: HashFault = {
  code: "invalid_format",
  message:
    "Must be a PHC string of pbkdf2-sha256, pbkdf2-sha512, scrypt or argon2id (v=19), a bcrypt hash, Django's pbkdf2_sha256, or $firebase-scrypt$.",
};
const TOO_EXPENSIVE: HashFault = {
  code: "too_expensive",
  message:
    "Takes more time or memory to verify than a login may. Import the user without a password, who then resets it.",
};
const NO_PARAMETERS: HashFault = {
  code: "invalid_format",
  message: "A $firebase-scrypt$ hash needs the project's `hash_parameters` beside `data`.",
};

/** True for a hash that another system made. */
export function isForeignHash(stored: string): boolean {
  return !stored.startsWith("$pbkdf2-sha256-chain$");
}

/**
 * The form in which an imported hash is stored, or why it is refused. A Firebase hash is stored with the parameters of its project,
 * the signer key included.
 */
export function toStoredHash(
  text: string,
  firebase: FirebaseParameters | undefined,
): { stored: string } | { fault: HashFault } {
  const stored = withParameters(text, firebase);
  if (stored === undefined) return { fault: NO_PARAMETERS };
  const parsed = parseForeignHash(stored);
  return "fault" in parsed ? parsed : { stored };
}

function withParameters(
  text: string,
  firebase: FirebaseParameters | undefined,
): string | undefined {
  const [, salt, hash] = FIREBASE_BARE.exec(text) ?? [];
  if (salt === undefined || hash === undefined) return text;
  if (!firebase) return undefined;
  const { mem_cost, rounds, base64_salt_separator, base64_signer_key } = firebase;
  const separator = base64_salt_separator.replaceAll("+", "-").replaceAll("/", "_");
  return `$firebase-scrypt$m=${mem_cost},r=${rounds},s=${separator.replace(/=+$/, "")},k=${base64_signer_key}$${salt}$${hash}`;
}

/** Reads a hash that is in one of the supported formats and within the limits. */
export function parseForeignHash(text: string): ForeignHash | { fault: HashFault } {
  const parsed = text.length <= MAX_LENGTH ? parseAny(text) : undefined;
  if (!parsed || !isWellFormed(parsed)) return { fault: UNKNOWN };
  return isAffordable(parsed) ? parsed : { fault: TOO_EXPENSIVE };
}

function parseAny(text: string): ForeignHash | undefined {
  if (BCRYPT.test(text)) return { kind: "bcrypt", text };
  return (
    parsePbkdf2(text) ??
    parseDjango(text) ??
    parseScrypt(text) ??
    parseArgon2id(text) ??
    parseFirebase(text)
  );
}

function parsePbkdf2(text: string): ForeignHash | undefined {
  const [, bits, iterations, salt, hash] = PBKDF2.exec(text) ?? [];
  if (!bits) return undefined;
  const digest = bits === "512" ? "SHA-512" : "SHA-256";
  return { kind: "pbkdf2", digest, iterations: Number(iterations), ...decodeBoth(salt, hash) };
}

// Django's salt is a text, not base64.
function parseDjango(text: string): ForeignHash | undefined {
  const [, iterations, salt = "", hash] = DJANGO.exec(text) ?? [];
  if (!iterations) return undefined;
  const bytes = new Uint8Array(new TextEncoder().encode(salt));
  return {
    kind: "pbkdf2",
    digest: "SHA-256",
    iterations: Number(iterations),
    salt: bytes,
    hash: decode(hash),
  };
}

function parseScrypt(text: string): ForeignHash | undefined {
  const [, ln, r, p, salt, hash] = SCRYPT.exec(text) ?? [];
  if (!ln) return undefined;
  const cost = { n: 2 ** Number(ln), r: Number(r), p: Number(p) };
  return { kind: "scrypt", ...cost, ...decodeBoth(salt, hash) };
}

function parseArgon2id(text: string): ForeignHash | undefined {
  const [, kib, passes, lanes, salt, hash] = ARGON2ID.exec(text) ?? [];
  if (!kib) return undefined;
  const cost = { kib: Number(kib), passes: Number(passes), lanes: Number(lanes) };
  return { kind: "argon2id", ...cost, ...decodeBoth(salt, hash) };
}

function parseFirebase(text: string): ForeignHash | undefined {
  const [, memory, r, separator, key, salt, hash] = FIREBASE.exec(text) ?? [];
  if (!memory) return undefined;
  return {
    kind: "firebase",
    n: 2 ** Number(memory),
    r: Number(r),
    p: 1,
    separator: decode(separator),
    signerKey: decode(key),
    ...decodeBoth(salt, hash),
  };
}

function decodeBoth(salt: string | undefined, hash: string | undefined) {
  return { salt: decode(salt), hash: decode(hash) };
}

// Base64, base64url and the alphabet of passlib, which has `.` for `+`. With or without padding. Empty if it is malformed.
function decode(text = ""): Bytes {
  try {
    const standard = text.replaceAll(/[-.]/g, "+").replaceAll("_", "/").replace(/=+$/, "");
    return Uint8Array.from(atob(standard), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

const MIN_HASH_BYTES = 16;
const MAX_HASH_BYTES = 64;

function isWellFormed(parsed: ForeignHash): boolean {
  if (parsed.kind === "bcrypt") return true;
  const { salt, hash } = parsed;
  const size = hash.byteLength;
  if (salt.byteLength === 0 || size < MIN_HASH_BYTES || size > MAX_HASH_BYTES) return false;
  switch (parsed.kind) {
    case "pbkdf2":
      // A longer output would take the iterations once more per block.
      return parsed.iterations > 0 && size <= (parsed.digest === "SHA-512" ? 64 : 32);
    case "argon2id":
      // RFC 9106 section 3.1: at least 8 KiB per lane, and a salt of at least 8 bytes.
      return (
        parsed.lanes > 0 &&
        parsed.passes > 0 &&
        parsed.kib >= 8 * parsed.lanes &&
        salt.byteLength >= 8
      );
    case "firebase":
      return parsed.n > 1 && parsed.r > 0 && parsed.signerKey.byteLength === size;
    case "scrypt":
      return parsed.n > 1 && parsed.r > 0 && parsed.p > 0;
  }
}

function isAffordable(parsed: ForeignHash): boolean {
  switch (parsed.kind) {
    case "pbkdf2":
      return parsed.iterations <= LIMITS.iterations[parsed.digest];
    case "bcrypt": {
      const cost = Number(parsed.text.slice(4, 6));
      return cost >= 4 && cost <= LIMITS.bcryptCost;
    }
    case "argon2id":
      return (
        parsed.kib * 1024 <= LIMITS.bytes &&
        parsed.kib * parsed.passes <= LIMITS.argonWork &&
        parsed.lanes <= LIMITS.argonLanes
      );
    default: {
      const { n, r, p } = parsed;
      return 128 * r * (n + p) <= LIMITS.bytes && n * r * p <= LIMITS.scryptWork;
    }
  }
}
