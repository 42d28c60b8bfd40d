// Ceremonies of WebAuthn in the browser. The library is loaded only when a passkey is used.
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from "@simplewebauthn/browser";
import type { components } from "roster-client";
import { localProblem } from "../shared/problem.ts";

type Schemas = components["schemas"];

/** Whether the browser knows passkeys at all. */
export const KNOWS_PASSKEYS = "PublicKeyCredential" in globalThis;

/** Asks the browser for an assertion with a passkey. Throws a `Problem`, also if the person declines. */
export async function assertWithPasskey(
  publicKey: Schemas["PasskeyRequestOptions"]["public_key"],
): Promise<Schemas["AuthenticationCredential"]> {
  const { startAuthentication } = await import("@simplewebauthn/browser");
  // The API describes transports as strings, because browsers may invent further ones.
  const optionsJSON = publicKey as PublicKeyCredentialRequestOptionsJSON;
  return explained(() => startAuthentication({ optionsJSON }));
}

/**
 * Has the browser offer passkeys in the autofill of the field with `autocomplete="… webauthn"`, until one is chosen. Undefined if the
 * browser cannot. Rejects when it is aborted.
 */
export async function assertFromAutofill(
  getOptions: () => Promise<Schemas["PasskeyRequestOptions"]["public_key"]>,
  signal: AbortSignal,
): Promise<Schemas["AuthenticationCredential"] | undefined> {
  const isOffered =
    KNOWS_PASSKEYS &&
    "parseRequestOptionsFromJSON" in PublicKeyCredential &&
    (await PublicKeyCredential.isConditionalMediationAvailable?.());
  if (!isOffered) return undefined;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await getOptions());
  signal.throwIfAborted();
  const credential = await navigator.credentials.get({
    publicKey,
    mediation: "conditional",
    signal,
  });
  // The types of the DOM know neither that this is an assertion, nor its `type`.
  const assertion = credential as PublicKeyCredential | null;
  return assertion?.toJSON() as Schemas["AuthenticationCredential"] | undefined;
}

/** Has the browser create a passkey. Throws a `Problem`, also if the person declines. */
export async function createPasskey(
  publicKey: Schemas["PasskeyCreationOptions"]["public_key"],
): Promise<Schemas["RegistrationCredential"]> {
  const { startRegistration } = await import("@simplewebauthn/browser");
  const optionsJSON = publicKey as PublicKeyCredentialCreationOptionsJSON;
  return explained(() => startRegistration({ optionsJSON }));
}

/** What pages call the errors of browsers, as codes of problems. */
const CODES: Readonly<Record<string, string>> = {
  NotAllowedError: "passkey_declined",
  AbortError: "passkey_declined",
  InvalidStateError: "passkey_exists",
};

async function explained<T>(ceremony: () => Promise<T>): Promise<T> {
  try {
    return await ceremony();
  } catch (error) {
    const code = (error instanceof Error && CODES[error.name]) || "passkey_failed";
    throw localProblem(code);
  }
}
