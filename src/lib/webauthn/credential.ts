import { z } from "zod";

// Lengths in characters of base64url.
const MAX_ID = 1364;
const MAX_CLIENT_DATA = 8192;
const MAX_AUTHENTICATOR_DATA = 8192;
const MAX_ATTESTATION_OBJECT = 32_768;
const MAX_SIGNATURE = 1024;
const MAX_USER_HANDLE = 86;

/** The transports of WebAuthn section 5.8.4. */
const TRANSPORTS = ["usb", "nfc", "ble", "smart-card", "hybrid", "internal"] as const;

export type Transport = (typeof TRANSPORTS)[number];

const credential = <Response extends z.ZodType>(response: Response) =>
  z
    .object({
      id: z.string().max(MAX_ID),
      rawId: z.string().max(MAX_ID),
      type: z.literal("public-key"),
      response,
    })
    .refine(({ id, rawId }) => id === rawId);

const AnyTransports = z.array(z.string().max(32)).max(16);

/** RegistrationResponseJSON (WebAuthn section 5.1). Unknown members are ignored. */
export const RegistrationResponse = credential(
  z.object({
    clientDataJSON: z.string().max(MAX_CLIENT_DATA),
    attestationObject: z.string().max(MAX_ATTESTATION_OBJECT),
    transports: AnyTransports.optional(),
  }),
);

/** AuthenticationResponseJSON (WebAuthn section 5.1). Unknown members are ignored. */
export const AuthenticationResponse = credential(
  z.object({
    clientDataJSON: z.string().max(MAX_CLIENT_DATA),
    authenticatorData: z.string().max(MAX_AUTHENTICATOR_DATA),
    signature: z.string().max(MAX_SIGNATURE),
    userHandle: z.string().max(MAX_USER_HANDLE).nullish(),
  }),
);

/** Those transports of a list that WebAuthn defines, each once. */
export function knownTransports(transports: readonly string[]): Transport[] {
  return TRANSPORTS.filter((transport) => transports.includes(transport));
}
