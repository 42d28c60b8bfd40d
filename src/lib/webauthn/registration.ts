import { fromBase64Url, toBase64Url } from "../bytes.ts";
import {
  type AuthenticatorData,
  examineAuthenticatorData,
  readAuthenticatorData,
} from "./authenticator-data.ts";
import { decodeCborMap } from "./cbor.ts";
import type { MintedChallenge } from "./challenge.ts";
import { type Expectations, examineClientData, readClientData } from "./client-data.ts";
import { knownTransports, RegistrationResponse, type Transport } from "./credential.ts";
import { type CoseAlgorithm, importCoseKey, type StoredPublicKey } from "./public-key.ts";
import { refuse, type Verdict } from "./verdict.ts";

export interface RegistrationInput extends Expectations {
  /** RegistrationResponseJSON as the client sent it. */
  credential: unknown;
  /** The algorithms that were asked for. */
  algorithms: readonly CoseAlgorithm[];
}

export interface VerifiedRegistration extends StoredPublicKey {
  /** The challenge, to be spent in the statement that stores the credential. */
  challenge: MintedChallenge;
  /** Base64url. */
  credentialId: string;
  signCount: number;
  isUserVerified: boolean;
  /** True if the authenticator may sync the key to other devices. It never changes. */
  isBackupEligible: boolean;
  isBackedUp: boolean;
  transports: Transport[];
  /** The model of the authenticator as it states it, a UUID, often all zeros. Unproven, because attestation is not evaluated. */
  aaguid: string;
}

/**
 * Verifies a new credential (WebAuthn section 7.1). Attestation statements are not evaluated: we ask for `none`. The caller
 * spends the challenge, and makes sure that no account has the credential id, in the statement that stores it.
 */
export async function verifyRegistration(
  input: RegistrationInput,
): Promise<Verdict<VerifiedRegistration>> {
  const parsed = RegistrationResponse.safeParse(input.credential);
  if (!parsed.success) return refuse("malformed_credential");
  const { id, response } = parsed.data;
  const clientData = readClientData(response.clientDataJSON);
  if (!clientData) return refuse("malformed_client_data");
  const challenge = await examineClientData(clientData, "webauthn.create", input);
  if (!challenge.isVerified) return challenge;
  const authData = readAttestationObject(response.attestationObject);
  if (!authData) return refuse("malformed_attestation_object");
  const data = readAuthenticatorData(authData);
  if (!data) return refuse("malformed_authenticator_data");
  const fault = await examineAuthenticatorData(data, input);
  if (fault) return refuse(fault);
  const key = await examineKey(id, data, input.algorithms);
  if (!key.isVerified) return key;
  return {
    ...key,
    challenge: { id: challenge.id, expiresAt: challenge.expiresAt },
    signCount: data.signCount,
    isUserVerified: data.isUserVerified,
    isBackupEligible: data.isBackupEligible,
    isBackedUp: data.isBackedUp,
    transports: knownTransports(response.transports ?? []),
  };
}

async function examineKey(
  id: string,
  { attestedCredential: attested }: AuthenticatorData,
  algorithms: readonly CoseAlgorithm[],
): Promise<Verdict<StoredPublicKey & { credentialId: string; aaguid: string }>> {
  if (!attested) return refuse("malformed_authenticator_data");
  const credentialId = toBase64Url(attested.credentialId);
  if (id !== credentialId) return refuse("wrong_credential_id");
  const key = await importCoseKey(attested.publicKey, algorithms);
  if (!key) return refuse("unsupported_key");
  return { isVerified: true, ...key, credentialId, aaguid: formatAaguid(attested.aaguid) };
}

/** The authenticator data of an attestation object (WebAuthn section 6.5.4), or undefined if it is malformed. */
function readAttestationObject(text: string): Uint8Array | undefined {
  const bytes = fromBase64Url(text);
  const decoded = bytes && decodeCborMap(bytes);
  if (decoded?.byteLength !== bytes?.byteLength) return undefined;
  const format = decoded?.map.get("fmt");
  const statement = decoded?.map.get("attStmt");
  const authData = decoded?.map.get("authData");
  if (typeof format !== "string" || !(statement instanceof Map)) return undefined;
  if (format === "none" && statement.size > 0) return undefined;
  return authData instanceof Uint8Array ? authData : undefined;
}

// Not `idFromBytes`: an AAGUID need not have the version and variant of a UUID.
function formatAaguid(bytes: Uint8Array): string {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
