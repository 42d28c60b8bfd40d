import { type CBORType, encodeCBOR } from "@levischuck/tiny-cbor";
import { base64url, type JWK } from "jose";
import type { AuthenticationOptions, RegistrationOptions } from "../../src/lib/webauthn/options.ts";
import type { CoseAlgorithm } from "../../src/lib/webauthn/public-key.ts";

/** What an authenticator and its client do. All of it can be changed for one ceremony. */
export interface Behaviour {
  origin: string;
  isUserPresent: boolean;
  isUserVerified: boolean;
  isBackupEligible: boolean;
  isBackedUp: boolean;
  /** What each assertion adds to the sign count: synced passkeys add 0. */
  signCountStep: number;
  transports: string[];
  /** Overwrites members of the client data: `type`, `challenge`, `crossOrigin`, `topOrigin`, … */
  clientData: Record<string, unknown>;
  /** The domain whose hash is in the authenticator data, if not that of the options. */
  rpId: string | undefined;
  extensions: Map<string, CBORType> | undefined;
  /** Flags that are set in addition. */
  extraFlags: number;
  /** Bytes behind the authenticator data. */
  trailing: Uint8Array;
  /** Changes the COSE key that is registered. */
  changeKey: (key: Map<number, CBORType>) => void;
  attestation: { fmt: string; attStmt: Map<string, CBORType> };
  aaguid: Uint8Array;
  /** The signature over the authenticator data and the hash of the client data, if not the right one. */
  sign: ((data: Uint8Array) => Promise<Uint8Array>) | undefined;
}

export interface RegistrationCredential {
  id: string;
  rawId: string;
  type: "public-key";
  authenticatorAttachment: "platform";
  clientExtensionResults: Record<string, unknown>;
  response: { clientDataJSON: string; attestationObject: string; transports: string[] };
}

export interface AssertionCredential {
  id: string;
  rawId: string;
  type: "public-key";
  authenticatorAttachment: "platform";
  clientExtensionResults: Record<string, unknown>;
  response: {
    clientDataJSON: string;
    authenticatorData: string;
    signature: string;
    userHandle: string;
  };
}

interface Passkey {
  id: Uint8Array;
  rpId: string;
  userHandle: string;
  privateKey: CryptoKey;
  signCount: number;
}

const DEFAULTS: Behaviour = {
  origin: "https://roster.test",
  isUserPresent: true,
  isUserVerified: true,
  isBackupEligible: true,
  isBackedUp: true,
  signCountStep: 0,
  transports: ["internal", "hybrid"],
  clientData: {},
  rpId: undefined,
  extensions: undefined,
  extraFlags: 0,
  trailing: new Uint8Array(),
  changeKey: () => {},
  attestation: { fmt: "none", attStmt: new Map() },
  aaguid: new Uint8Array(16),
  sign: undefined,
};

const KEY_PARAMETERS = {
  [-7]: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  [-8]: { name: "Ed25519" },
  [-257]: {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
} as const;

/**
 * A software authenticator with its browser. It takes the options of the API and returns the credential that
 * `PublicKeyCredential.toJSON()` would. It keeps its passkeys, and asserts with the newest that the options allow.
 */
export function createAuthenticator(
  traits: Partial<Behaviour> & { algorithm?: CoseAlgorithm } = {},
) {
  const passkeys: Passkey[] = [];
  const algorithm = traits.algorithm ?? -7;

  return {
    async register(
      options: RegistrationOptions,
      changes: Partial<Behaviour> = {},
    ): Promise<RegistrationCredential> {
      const behaviour = { ...DEFAULTS, ...traits, ...changes };
      if (!options.pubKeyCredParams.some(({ alg }) => alg === algorithm)) {
        throw new Error("NotSupportedError: no common algorithm");
      }
      const held = passkeys.map(({ id }) => base64url.encode(id));
      if (options.excludeCredentials.some(({ id }) => held.includes(id))) {
        throw new Error("InvalidStateError: the authenticator has an excluded credential");
      }
      const pair = await generateKeyPair(algorithm);
      const id = crypto.getRandomValues(new Uint8Array(32));
      passkeys.push({
        id,
        rpId: options.rp.id,
        userHandle: options.user.id,
        privateKey: pair.privateKey,
        signCount: 0,
      });
      const key = await coseKey(pair.publicKey, algorithm);
      behaviour.changeKey(key);
      const authData = await authenticatorData(options.rp.id, behaviour, {
        signCount: 0,
        attested: concat(behaviour.aaguid, uint16(id.length), id, encodeCBOR(key)),
      });
      const { fmt, attStmt } = behaviour.attestation;
      const attestation = new Map<string, CBORType>([
        ["fmt", fmt],
        ["attStmt", attStmt],
        ["authData", authData],
      ]);
      return {
        ...envelope(id),
        response: {
          clientDataJSON: clientDataJson("webauthn.create", options.challenge, behaviour),
          attestationObject: base64url.encode(encodeCBOR(attestation)),
          transports: behaviour.transports,
        },
      };
    },

    async authenticate(
      options: AuthenticationOptions,
      changes: Partial<Behaviour> = {},
    ): Promise<AssertionCredential> {
      const behaviour = { ...DEFAULTS, ...traits, ...changes };
      const allowed = options.allowCredentials.map(({ id }) => id);
      const passkey = passkeys.findLast(
        ({ id, rpId }) =>
          rpId === options.rpId && (allowed.length === 0 || allowed.includes(base64url.encode(id))),
      );
      if (!passkey) throw new Error("NotAllowedError: no credential");
      passkey.signCount += behaviour.signCountStep;
      const { signCount } = passkey;
      const authData = await authenticatorData(options.rpId, behaviour, { signCount });
      const clientData = clientDataJson("webauthn.get", options.challenge, behaviour);
      const data = concat(authData, await sha256(base64url.decode(clientData)));
      const sign = behaviour.sign ?? ((bytes) => signWith(passkey.privateKey, bytes));
      return {
        ...envelope(passkey.id),
        response: {
          clientDataJSON: clientData,
          authenticatorData: base64url.encode(authData),
          signature: base64url.encode(await sign(data)),
          userHandle: passkey.userHandle,
        },
      };
    },
  };
}

function envelope(credentialId: Uint8Array) {
  const id = base64url.encode(credentialId);
  const attachment = { authenticatorAttachment: "platform", clientExtensionResults: {} } as const;
  return { id, rawId: id, type: "public-key", ...attachment } as const;
}

function clientDataJson(type: string, challenge: string, behaviour: Behaviour): string {
  const { origin, clientData } = behaviour;
  return base64url.encode(
    JSON.stringify({ type, challenge, origin, crossOrigin: false, ...clientData }),
  );
}

async function authenticatorData(
  rpId: string,
  behaviour: Behaviour,
  { signCount, attested }: { signCount: number; attested?: Uint8Array },
): Promise<Uint8Array> {
  const { extensions } = behaviour;
  const bits = [
    behaviour.isUserPresent && 0x01,
    behaviour.isUserVerified && 0x04,
    behaviour.isBackupEligible && 0x08,
    behaviour.isBackedUp && 0x10,
    attested && 0x40,
    extensions && 0x80,
  ];
  const flags = bits.reduce<number>((all, bit) => all | (bit || 0), behaviour.extraFlags);
  const count = new Uint8Array(4);
  new DataView(count.buffer).setUint32(0, signCount);
  return concat(
    await sha256(new TextEncoder().encode(behaviour.rpId ?? rpId)),
    Uint8Array.of(flags),
    count,
    attested ?? new Uint8Array(),
    extensions ? encodeCBOR(extensions) : new Uint8Array(),
    behaviour.trailing,
  );
}

async function generateKeyPair(algorithm: CoseAlgorithm): Promise<CryptoKeyPair> {
  const usages = ["sign", "verify"] as const;
  return (await crypto.subtle.generateKey(KEY_PARAMETERS[algorithm], true, [
    ...usages,
  ])) as CryptoKeyPair;
}

async function coseKey(
  publicKey: CryptoKey,
  algorithm: CoseAlgorithm,
): Promise<Map<number, CBORType>> {
  const jwk = (await crypto.subtle.exportKey("jwk", publicKey)) as JWK;
  const bytes = (text = "") => base64url.decode(text);
  const members: Record<CoseAlgorithm, [number, CBORType][]> = {
    [-7]: [
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, bytes(jwk.x)],
      [-3, bytes(jwk.y)],
    ],
    [-8]: [
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, bytes(jwk.x)],
    ],
    [-257]: [
      [1, 3],
      [3, -257],
      [-1, bytes(jwk.n)],
      [-2, bytes(jwk.e)],
    ],
  };
  return new Map(members[algorithm]);
}

export async function signWith(key: CryptoKey, data: Uint8Array): Promise<Uint8Array> {
  const isEcdsa = key.algorithm.name === "ECDSA";
  const algorithm = { name: key.algorithm.name, hash: "SHA-256" };
  const signature = new Uint8Array(await crypto.subtle.sign(algorithm, key, concat(data)));
  return isEcdsa ? toDer(signature) : signature;
}

/** An ECDSA signature in DER (RFC 3279 section 2.2.3). */
function toDer(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  const body = concat(derInteger(raw.slice(0, half)), derInteger(raw.slice(half)));
  return concat(Uint8Array.of(0x30, body.length), body);
}

function derInteger(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = bytes.slice(start);
  const sign = (digits[0] ?? 0) >= 0x80 ? [0] : [];
  return Uint8Array.of(0x02, sign.length + digits.length, ...sign, ...digits);
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

async function sha256(data: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(data)));
}

function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
