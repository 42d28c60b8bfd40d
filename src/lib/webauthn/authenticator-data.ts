import { equalBytes, utf8 } from "../bytes.ts";
import { type CborMap, decodeCborMap } from "./cbor.ts";
import type { Expectations } from "./client-data.ts";
import type { Refusal } from "./verdict.ts";

const HEADER_BYTES = 37;
const AAGUID_BYTES = 16;
const MAX_CREDENTIAL_ID_BYTES = 1023;

const FLAG = {
  userPresent: 0x01,
  userVerified: 0x04,
  backupEligible: 0x08,
  backedUp: 0x10,
  attestedCredential: 0x40,
  extensions: 0x80,
} as const;

interface AttestedCredential {
  aaguid: Uint8Array;
  credentialId: Uint8Array;
  /** The COSE key. */
  publicKey: CborMap;
}

export interface AuthenticatorData {
  rpIdHash: Uint8Array;
  isUserPresent: boolean;
  isUserVerified: boolean;
  isBackupEligible: boolean;
  isBackedUp: boolean;
  signCount: number;
  /** Present in registrations only. */
  attestedCredential: AttestedCredential | undefined;
}

/**
 * Reads authenticator data (WebAuthn section 6.1), or returns undefined if they are malformed: truncated, with bytes that
 * the flags do not announce, or with a credential id of more than 1,023 bytes. Extension outputs must be well-formed; their
 * content is ignored.
 */
export function readAuthenticatorData(bytes: Uint8Array): AuthenticatorData | undefined {
  if (bytes.byteLength < HEADER_BYTES) return undefined;
  const flags = bytes[32] ?? 0;
  let rest: Uint8Array = bytes.slice(HEADER_BYTES);
  let attestedCredential: AttestedCredential | undefined;
  if (flags & FLAG.attestedCredential) {
    const read = readAttestedCredential(rest);
    if (!read) return undefined;
    attestedCredential = read.credential;
    rest = read.rest;
  }
  if (flags & FLAG.extensions) {
    const extensions = decodeCborMap(rest);
    if (!extensions) return undefined;
    rest = rest.slice(extensions.byteLength);
  }
  if (rest.byteLength > 0) return undefined;
  return {
    rpIdHash: bytes.slice(0, 32),
    isUserPresent: Boolean(flags & FLAG.userPresent),
    isUserVerified: Boolean(flags & FLAG.userVerified),
    isBackupEligible: Boolean(flags & FLAG.backupEligible),
    isBackedUp: Boolean(flags & FLAG.backedUp),
    signCount: new DataView(bytes.buffer, bytes.byteOffset).getUint32(33),
    attestedCredential,
  };
}

/** Checks what the authenticator states of a ceremony (WebAuthn sections 7.1 and 7.2), and returns the first thing wrong. */
export async function examineAuthenticatorData(
  data: AuthenticatorData,
  { rpId, requireUserVerification }: Expectations,
): Promise<Refusal | undefined> {
  const rpIdHash = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(rpId)));
  if (!equalBytes(data.rpIdHash, rpIdHash)) return "wrong_rp_id";
  if (!data.isUserPresent) return "user_not_present";
  if (requireUserVerification && !data.isUserVerified) return "user_not_verified";
  if (data.isBackedUp && !data.isBackupEligible) return "inconsistent_backup_flags";
  return undefined;
}

function readAttestedCredential(
  bytes: Uint8Array,
): { credential: AttestedCredential; rest: Uint8Array } | undefined {
  const idStart = AAGUID_BYTES + 2;
  if (bytes.byteLength < idStart) return undefined;
  const idBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint16(AAGUID_BYTES);
  if (idBytes === 0 || idBytes > MAX_CREDENTIAL_ID_BYTES) return undefined;
  const credentialId = bytes.slice(idStart, idStart + idBytes);
  const key = decodeCborMap(bytes.slice(idStart + idBytes));
  if (!key) return undefined;
  return {
    credential: { aaguid: bytes.slice(0, AAGUID_BYTES), credentialId, publicKey: key.map },
    rest: bytes.slice(idStart + idBytes + key.byteLength),
  };
}
