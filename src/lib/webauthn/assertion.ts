import { fromBase64Url } from "../bytes.ts";
import {
  type AuthenticatorData,
  examineAuthenticatorData,
  readAuthenticatorData,
} from "./authenticator-data.ts";
import type { MintedChallenge } from "./challenge.ts";
import {
  type ClientData,
  type Expectations,
  examineClientData,
  readClientData,
} from "./client-data.ts";
import { AuthenticationResponse } from "./credential.ts";
import { isSignedBy, type StoredPublicKey } from "./public-key.ts";
import { type Refusal, refuse, type Verdict } from "./verdict.ts";

/** What was stored of the credential when it was registered, and its sign count since. */
export interface StoredCredential extends StoredPublicKey {
  credentialId: string;
  signCount: number;
  isBackupEligible: boolean;
}

export interface AssertionInput extends Expectations {
  /** AuthenticationResponseJSON as the client sent it. */
  credential: unknown;
  stored: StoredCredential;
}

export interface VerifiedAssertion {
  /** The challenge, to be spent in the statement that acts on the assertion. */
  challenge: MintedChallenge;
  newSignCount: number;
  /**
   * True if the count did not increase although the authenticator counts: the key may have been cloned. Synced passkeys
   * always send 0, which is no regression.
   */
  hasRegressed: boolean;
  isUserVerified: boolean;
  isBackedUp: boolean;
  /** Base64url; undefined if the authenticator sent none. The caller compares it with the owner of the credential. */
  userHandle: string | undefined;
}

/** An assertion as the client sent it. Nothing of it is proven. */
interface ClaimedAssertion {
  credentialId: string;
  userHandle: string | undefined;
  challenge: string;
}

/** Reads which credential and challenge an assertion claims, to look them up, or undefined if it is malformed. */
export function readAssertion(credential: unknown): ClaimedAssertion | undefined {
  const parsed = AuthenticationResponse.safeParse(credential);
  const clientData = parsed.data && readClientData(parsed.data.response.clientDataJSON);
  if (!clientData) return undefined;
  const { id: credentialId, response } = parsed.data;
  const userHandle = response.userHandle ?? undefined;
  return { credentialId, userHandle, challenge: clientData.challenge };
}

/**
 * Verifies an assertion with a stored credential (WebAuthn section 7.2). The caller spends the challenge, and makes sure
 * that the credential is one of the account that logs in.
 */
export async function verifyAssertion(input: AssertionInput): Promise<Verdict<VerifiedAssertion>> {
  const parsed = AuthenticationResponse.safeParse(input.credential);
  if (!parsed.success) return refuse("malformed_credential");
  const { id, response } = parsed.data;
  if (id !== input.stored.credentialId) return refuse("wrong_credential_id");
  const clientData = readClientData(response.clientDataJSON);
  if (!clientData) return refuse("malformed_client_data");
  const challenge = await examineClientData(clientData, "webauthn.get", input);
  if (!challenge.isVerified) return challenge;
  const authData = fromBase64Url(response.authenticatorData);
  const data = authData && readAuthenticatorData(authData);
  if (!data || data.attestedCredential) return refuse("malformed_authenticator_data");
  const fault = await examineAssertedData(data, input);
  if (fault) return refuse(fault);
  const signature = fromBase64Url(response.signature);
  const signed = await signedBytes(authData, clientData);
  if (!signature || !(await isSignedBy(input.stored, signature, signed))) {
    return refuse("wrong_signature");
  }
  return {
    isVerified: true,
    challenge: { id: challenge.id, expiresAt: challenge.expiresAt },
    ...describe(data, input.stored),
    userHandle: response.userHandle ?? undefined,
  };
}

async function examineAssertedData(
  data: AuthenticatorData,
  input: AssertionInput,
): Promise<Refusal | undefined> {
  const fault = await examineAuthenticatorData(data, input);
  if (fault) return fault;
  const isSame = data.isBackupEligible === input.stored.isBackupEligible;
  return isSame ? undefined : "inconsistent_backup_flags";
}

function describe(
  { signCount, isUserVerified, isBackedUp }: AuthenticatorData,
  stored: StoredCredential,
) {
  const counts = signCount > 0 || stored.signCount > 0;
  const hasRegressed = counts && signCount <= stored.signCount;
  return { newSignCount: signCount, hasRegressed, isUserVerified, isBackedUp };
}

async function signedBytes(
  authData: Uint8Array,
  clientData: ClientData,
): Promise<Uint8Array<ArrayBuffer>> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", clientData.bytes));
  const bytes = new Uint8Array(authData.byteLength + hash.byteLength);
  bytes.set(authData);
  bytes.set(hash, authData.byteLength);
  return bytes;
}
