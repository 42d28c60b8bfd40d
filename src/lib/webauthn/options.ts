import { toBase64Url } from "../bytes.ts";
import { idToBytes } from "../ids.ts";
import { COSE_ALGORITHMS, type CoseAlgorithm } from "./public-key.ts";

type UserVerification = "required" | "preferred" | "discouraged";

interface CredentialDescriptor {
  type: "public-key";
  /** Base64url. */
  id: string;
  transports?: string[];
}

/** PublicKeyCredentialCreationOptionsJSON (WebAuthn section 5.1.9), as `parseCreationOptionsFromJSON()` takes it. */
export interface RegistrationOptions {
  rp: { id: string; name: string };
  user: { id: string; name: string; displayName: string };
  challenge: string;
  pubKeyCredParams: { type: "public-key"; alg: CoseAlgorithm }[];
  timeout: number;
  excludeCredentials: CredentialDescriptor[];
  authenticatorSelection: {
    residentKey: "required";
    requireResidentKey: true;
    userVerification: UserVerification;
  };
  attestation: "none";
}

/** PublicKeyCredentialRequestOptionsJSON (WebAuthn section 5.1.10), as `parseRequestOptionsFromJSON()` takes it. */
export interface AuthenticationOptions {
  challenge: string;
  rpId: string;
  timeout: number;
  allowCredentials: CredentialDescriptor[];
  userVerification: UserVerification;
}

interface KnownCredential {
  credentialId: string;
  transports: readonly string[];
}

/** The options for a new discoverable credential. The authenticator refuses if it has one of the excluded credentials. */
export function createRegistrationOptions(input: {
  rp: { id: string; name: string };
  user: { id: string; name: string; displayName: string };
  challenge: string;
  exclude: readonly KnownCredential[];
  userVerification: UserVerification;
  timeoutMs: number;
}): RegistrationOptions {
  const { rp, user, challenge, exclude, userVerification, timeoutMs } = input;
  return {
    rp: { id: rp.id, name: rp.name },
    user: { id: toUserHandle(user.id), name: user.name, displayName: user.displayName },
    challenge,
    pubKeyCredParams: COSE_ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
    timeout: timeoutMs,
    excludeCredentials: exclude.map(describeCredential),
    // `requireResidentKey` says the same to clients of level 1.
    authenticatorSelection: {
      residentKey: "required",
      requireResidentKey: true,
      userVerification,
    },
    attestation: "none",
  };
}

/** The options for an assertion: with one of the allowed credentials, or with any discoverable one if none are named. */
export function createAuthenticationOptions(input: {
  rpId: string;
  challenge: string;
  allow: readonly KnownCredential[];
  userVerification: UserVerification;
  timeoutMs: number;
}): AuthenticationOptions {
  const { rpId, challenge, allow, userVerification, timeoutMs } = input;
  const allowCredentials = allow.map(describeCredential);
  return { challenge, rpId, timeout: timeoutMs, allowCredentials, userVerification };
}

/** The user handle of a person: the bytes of their id, which tell nothing about them (WebAuthn section 14.6.1). */
export function toUserHandle(userId: string): string {
  return toBase64Url(idToBytes(userId));
}

function describeCredential({ credentialId, transports }: KnownCredential): CredentialDescriptor {
  const descriptor = { type: "public-key", id: credentialId } as const;
  return transports.length > 0 ? { ...descriptor, transports: [...transports] } : descriptor;
}
