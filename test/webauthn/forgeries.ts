import { type CBORType, encodeCBOR } from "@levischuck/tiny-cbor";
import { base64url } from "jose";
import { decodeCborMap } from "../../src/lib/webauthn/cbor.ts";
import {
  type Assertion,
  changeBytes,
  changeClientData,
  flip,
  type Registration,
} from "./ceremonies.ts";

const FLAGS = 32;
const ID_LENGTH = 53;
const UP = 0x01;
const BE = 0x08;

const withRegisteredClientData =
  (members: Record<string, unknown>) =>
  (ceremony: Registration): Registration => ({
    ...ceremony,
    clientDataJSON: changeClientData(ceremony.clientDataJSON, members),
  });

/** Changes the attestation object as a map. */
const withAttestation =
  (change: (map: Map<string | number, CBORType>) => void) =>
  (ceremony: Registration): Registration => {
    const decoded = decodeCborMap(base64url.decode(ceremony.attestationObject));
    const map = new Map(decoded?.map);
    change(map);
    return { ...ceremony, attestationObject: base64url.encode(encodeCBOR(map)) };
  };

/** Changes the authenticator data within the attestation object. */
export const withRegisteredAuthData = (change: (bytes: Uint8Array) => Uint8Array) =>
  withAttestation((map) => {
    map.set("authData", change(Uint8Array.from(map.get("authData") as Uint8Array)));
  });

export const withRegisteredFlag = (bit: number, isSet: boolean) =>
  withRegisteredAuthData((bytes) => {
    const flags = bytes[FLAGS] ?? 0;
    bytes[FLAGS] = isSet ? flags | bit : flags & ~bit;
    return bytes;
  });

export const withObject =
  (change: (bytes: Uint8Array) => Uint8Array) =>
  (ceremony: Registration): Registration => ({
    ...ceremony,
    attestationObject: changeBytes(ceremony.attestationObject, change),
  });

export const REGISTRATION_FORGERIES: [
  name: string,
  forge: (ceremony: Registration) => Registration,
  reason: string,
][] = [
  ["another challenge", withRegisteredClientData({ challenge: "AAAA" }), "wrong_challenge"],
  ["another type", withRegisteredClientData({ type: "webauthn.get" }), "wrong_type"],
  ["another origin", withRegisteredClientData({ origin: "https://example.net" }), "wrong_origin"],
  ["crossOrigin", withRegisteredClientData({ crossOrigin: true }), "cross_origin"],
  [
    "a crossOrigin that is no boolean",
    withRegisteredClientData({ crossOrigin: "true" }),
    "malformed_client_data",
  ],
  ["a topOrigin", withRegisteredClientData({ topOrigin: null }), "cross_origin"],
  [
    "an origin that is no text",
    withRegisteredClientData({ origin: ["https://example.org"] }),
    "malformed_client_data",
  ],
  [
    "client data that are not UTF-8",
    (ceremony) => ({ ...ceremony, clientDataJSON: "eyLDKCJ9" }),
    "malformed_client_data",
  ],
  [
    "client data that are not base64url",
    (ceremony) => ({ ...ceremony, clientDataJSON: "+/==" }),
    "malformed_client_data",
  ],
  [
    "another RP ID",
    withRegisteredAuthData((bytes) => bytes.with(0, (bytes[0] ?? 0) ^ 1)),
    "wrong_rp_id",
  ],
  ["the user absent", withRegisteredFlag(0x01, false), "user_not_present"],
  ["no attested credential", withRegisteredFlag(0x40, false), "malformed_authenticator_data"],
  [
    "nothing but the header",
    withRegisteredAuthData((bytes) => bytes.with(FLAGS, 0x01).slice(0, 37)),
    "malformed_authenticator_data",
  ],
  [
    "unannounced bytes",
    withRegisteredAuthData((bytes) => Uint8Array.of(...bytes, 0)),
    "malformed_authenticator_data",
  ],
  [
    "a credential id of no bytes",
    withRegisteredAuthData((bytes) => bytes.with(ID_LENGTH, 0).with(ID_LENGTH + 1, 0)),
    "malformed_authenticator_data",
  ],
  [
    "a credential id that ends behind the data",
    withRegisteredAuthData((bytes) =>
      bytes.with(ID_LENGTH, bytes.byteLength >> 8).with(ID_LENGTH + 1, bytes.byteLength & 0xff),
    ),
    "malformed_authenticator_data",
  ],
  [
    "a credential id of 1,024 bytes",
    withRegisteredAuthData((bytes) =>
      Uint8Array.of(
        ...bytes.slice(0, ID_LENGTH),
        0x04,
        0x00,
        ...new Uint8Array(1024),
        ...bytes.slice(-77),
      ),
    ),
    "malformed_authenticator_data",
  ],
  ["another credential id", (ceremony) => ({ ...ceremony, id: "AAAA" }), "wrong_credential_id"],
  [
    "bytes behind the attestation object",
    withObject((bytes) => Uint8Array.of(...bytes, 0)),
    "malformed_attestation_object",
  ],
  [
    "an attestation object that is no map",
    withObject(() => encodeCBOR(["fmt", "none"])),
    "malformed_attestation_object",
  ],
  ["no format", withAttestation((map) => map.delete("fmt")), "malformed_attestation_object"],
  [
    "a format that is no text",
    withAttestation((map) => map.set("fmt", 1)),
    "malformed_attestation_object",
  ],
  ["no statement", withAttestation((map) => map.delete("attStmt")), "malformed_attestation_object"],
  [
    "a statement without a format",
    withAttestation((map) => map.set("fmt", "none").set("attStmt", new Map([["alg", -7]]))),
    "malformed_attestation_object",
  ],
  [
    "no authenticator data",
    withAttestation((map) => map.delete("authData")),
    "malformed_attestation_object",
  ],
  [
    "authenticator data that are text",
    withAttestation((map) => map.set("authData", "text")),
    "malformed_attestation_object",
  ],
];

const withAssertedClientData =
  (members: Record<string, unknown>) =>
  (ceremony: Assertion): Assertion => ({
    ...ceremony,
    clientDataJSON: changeClientData(ceremony.clientDataJSON, members),
  });

export const withAssertedAuthData =
  (change: (text: string) => string) =>
  (ceremony: Assertion): Assertion => ({
    ...ceremony,
    authenticatorData: change(ceremony.authenticatorData),
  });

const withSignature =
  (change: (text: string) => string) =>
  (ceremony: Assertion): Assertion => ({ ...ceremony, signature: change(ceremony.signature) });

/** One changed field each, and the reason for which it is refused. */
export const ASSERTION_FORGERIES: [
  name: string,
  forge: (ceremony: Assertion) => Assertion,
  reason: string,
][] = [
  ["another challenge", withAssertedClientData({ challenge: "AAAA" }), "wrong_challenge"],
  ["another type", withAssertedClientData({ type: "webauthn.create" }), "wrong_type"],
  ["another origin", withAssertedClientData({ origin: "https://example.net" }), "wrong_origin"],
  [
    "an origin with another port",
    withAssertedClientData({ origin: "https://other.example:8443" }),
    "wrong_origin",
  ],
  [
    "an origin with a slash",
    withAssertedClientData({ origin: "https://other.example/" }),
    "wrong_origin",
  ],
  [
    "an origin that is expected, too",
    withAssertedClientData({ origin: "https://other.example" }),
    "wrong_signature",
  ],
  ["crossOrigin", withAssertedClientData({ crossOrigin: true }), "cross_origin"],
  ["a topOrigin", withAssertedClientData({ topOrigin: "https://example.com" }), "cross_origin"],
  ["a new member of the client data", withAssertedClientData({ more: 1 }), "wrong_signature"],
  ["another RP ID", withAssertedAuthData((text) => flip(text, 0)), "wrong_rp_id"],
  ["the user absent", withAssertedAuthData((text) => flip(text, FLAGS, UP)), "user_not_present"],
  [
    "the other user verification",
    withAssertedAuthData((text) => flip(text, FLAGS, 0x04)),
    "wrong_signature",
  ],
  [
    "the other backup eligibility",
    withAssertedAuthData((text) => flip(text, FLAGS, BE)),
    "inconsistent_backup_flags",
  ],
  ["another sign count", withAssertedAuthData((text) => flip(text, 36)), "wrong_signature"],
  [
    "unannounced bytes",
    withAssertedAuthData((text) => changeBytes(text, (bytes) => Uint8Array.of(...bytes, 0xa0))),
    "malformed_authenticator_data",
  ],
  [
    "announced extensions that are absent",
    withAssertedAuthData((text) => flip(text, FLAGS, 0x80)),
    "malformed_authenticator_data",
  ],
  [
    "an announced credential that is absent",
    withAssertedAuthData((text) => flip(text, FLAGS, 0x40)),
    "malformed_authenticator_data",
  ],
  [
    "authenticator data that are not base64url",
    withAssertedAuthData((text) => `${text}=`),
    "malformed_authenticator_data",
  ],
  [
    "a signature with its last bit flipped",
    withSignature((text) => flip(text, -1)),
    "wrong_signature",
  ],
  [
    "a signature with its first bit flipped",
    withSignature((text) => flip(text, 0, 0x80)),
    "wrong_signature",
  ],
  [
    "a signature that is cut",
    withSignature((text) => changeBytes(text, (bytes) => bytes.slice(0, -1))),
    "wrong_signature",
  ],
  [
    "a signature with a byte behind",
    withSignature((text) => changeBytes(text, (bytes) => Uint8Array.of(...bytes, 0))),
    "wrong_signature",
  ],
  ["no signature", withSignature(() => ""), "wrong_signature"],
  ["a signature that is not base64url", withSignature((text) => `${text}=`), "wrong_signature"],
  [
    "another credential id",
    (ceremony) => ({ ...ceremony, id: flip(ceremony.id, 0) }),
    "wrong_credential_id",
  ],
  [
    "client data that are not JSON",
    (ceremony) => ({ ...ceremony, clientDataJSON: "e30x" }),
    "malformed_client_data",
  ],
];
