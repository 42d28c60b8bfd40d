import { base64url } from "jose";
import type { AssertionInput, StoredCredential } from "../../src/lib/webauthn/assertion.ts";
import { decodeCborMap } from "../../src/lib/webauthn/cbor.ts";
import { COSE_ALGORITHMS, importCoseKey } from "../../src/lib/webauthn/public-key.ts";
import { type RegistrationInput, verifyRegistration } from "../../src/lib/webauthn/registration.ts";
import { refuse } from "../../src/lib/webauthn/verdict.ts";
import assertions from "./recorded/assertions.json" with { type: "json" };
import registrations from "./recorded/registrations.json" with { type: "json" };
import vectors from "./recorded/w3c.json" with { type: "json" };

/** A ceremony as a browser sent it. Binary members are base64url. */
interface Ceremony {
  name: string;
  origin: string;
  rpId: string;
  id: string;
  challenge: string;
  clientDataJSON: string;
}

export interface Registration extends Ceremony {
  attestationObject: string;
}

export interface Assertion extends Ceremony {
  authenticatorData: string;
  signature: string;
  /** The COSE key. */
  coseKey: string;
  stored: StoredCredential;
}

const EXAMPLE = { origin: "https://example.org", rpId: "example.org" };
/** Vectors with algorithms that we do not ask for, and ceremonies in frames of another origin. */
const REFUSED = /ES384|ES512|Ed448|crossOrigin|topOrigin|with SHA-1/;

const isAccepted = ({ name }: { name: string }) => !REFUSED.test(name);

/**
 * The vectors of WebAuthn level 3, section 16, and registrations with real authenticators that the test suites of
 * SimpleWebAuthn and py_webauthn publish.
 */
const all: Registration[] = [
  ...vectors.map(({ name, registration }) => ({ name, ...EXAMPLE, ...registration })),
  ...registrations,
];

export const REGISTRATIONS = all.filter(isAccepted);

/** Those that we must refuse. */
export const REFUSED_REGISTRATIONS = all.filter((registration) => !isAccepted(registration));

/** Assertions of the same sources. */
export async function loadAssertions(): Promise<Assertion[]> {
  const ofVectors = vectors.filter(isAccepted).map(async ({ name, registration, assertion }) => {
    const input = registrationInput({ name, ...EXAMPLE, ...registration });
    const stored = await verifyRegistration(input);
    if (!stored.isVerified) throw new Error(`${name}: ${stored.reason}`);
    const coseKey = registeredKey(registration.attestationObject);
    return { name, ...EXAMPLE, id: registration.id, ...assertion, coseKey, stored };
  });
  const recorded = assertions.map(async ({ publicKey: coseKey, signCount, ...assertion }) => {
    const key = decodeCborMap(base64url.decode(coseKey));
    const imported = key && (await importCoseKey(key.map, COSE_ALGORITHMS));
    if (!imported) throw new Error(`${assertion.name}: unsupported key`);
    const flags = base64url.decode(assertion.authenticatorData)[32] ?? 0;
    const isBackupEligible = (flags & 0x08) !== 0;
    const stored = { ...imported, credentialId: assertion.id, signCount, isBackupEligible };
    return { ...assertion, coseKey, stored };
  });
  return Promise.all([...ofVectors, ...recorded]);
}

/** The COSE key at the end of an attestation object without extension outputs. */
export function registeredKey(attestationObject: string): string {
  const authData = decodeCborMap(base64url.decode(attestationObject))?.map.get("authData");
  if (!(authData instanceof Uint8Array)) throw new Error("no authenticator data");
  const idBytes = new DataView(authData.buffer, authData.byteOffset).getUint16(53);
  return base64url.encode(authData.slice(55 + idBytes));
}

/** What `verifyRegistration` takes for a ceremony. */
export function registrationInput(
  { id, clientDataJSON, attestationObject, ...ceremony }: Registration,
  expected: Partial<RegistrationInput> = {},
): RegistrationInput {
  const response = { clientDataJSON, attestationObject };
  return {
    credential: { id, rawId: id, type: "public-key", response },
    algorithms: COSE_ALGORITHMS,
    ...expectations(ceremony),
    ...expected,
  };
}

/** What `verifyAssertion` takes for a ceremony. */
export function assertionInput(
  { id, clientDataJSON, authenticatorData, signature, stored, ...ceremony }: Assertion,
  expected: Partial<AssertionInput> = {},
): AssertionInput {
  const response = { clientDataJSON, authenticatorData, signature };
  return {
    credential: { id, rawId: id, type: "public-key", response },
    stored,
    ...expectations(ceremony),
    ...expected,
  };
}

export function expectations({
  challenge,
  origin,
  rpId,
}: {
  challenge: string;
  origin: string;
  rpId: string;
}) {
  return {
    verifyChallenge: async (given: string) =>
      given === challenge
        ? ({ isVerified: true, id: "minted", expiresAt: 1 } as const)
        : refuse("wrong_challenge"),
    origins: ["https://other.example", origin],
    rpId,
    requireUserVerification: false,
  };
}

/** Changes bytes in base64url. */
export function changeBytes(text: string, change: (bytes: Uint8Array) => Uint8Array): string {
  return base64url.encode(change(Uint8Array.from(base64url.decode(text))));
}

/** Flips bits of the byte at an index, counted from the end if it is negative. */
export function flip(text: string, index: number, mask = 0x01): string {
  return changeBytes(text, (bytes) => {
    const at = index < 0 ? bytes.length + index : index;
    bytes[at] = (bytes[at] ?? 0) ^ mask;
    return bytes;
  });
}

/** Overwrites members of client data. */
export function changeClientData(text: string, members: Record<string, unknown>): string {
  const clientData = JSON.parse(new TextDecoder().decode(base64url.decode(text)));
  return base64url.encode(JSON.stringify({ ...clientData, ...members }));
}
