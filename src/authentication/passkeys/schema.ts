import { z } from "@hono/zod-openapi";
import { AuthenticationResponse, RegistrationResponse } from "../../lib/webauthn/credential.ts";

// The schemas of lib/webauthn cannot be described, because lib does not import the extension of zod for OpenAPI.

/** The credential of a registration, as the browser's `toJSON()` returns it. */
export const RegistrationCredential = z
  .object({ ...RegistrationResponse.shape })
  .openapi("RegistrationCredential", {
    description:
      "What `navigator.credentials.create()` returned, as its `toJSON()` presents it (RegistrationResponseJSON of WebAuthn). Unknown " +
      "members are ignored, and so are attestation statements. All binary values are in base64url.",
    example: {
      id: "q1Xn3yE0b5xUeYvYv0X4mQ",
      rawId: "q1Xn3yE0b5xUeYvYv0X4mQ",
      type: "public-key",
      response: {
        clientDataJSON: "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwi…",
        attestationObject: "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVi…",
        transports: ["internal", "hybrid"],
      },
    },
  });

/** The credential of an assertion, as the browser's `toJSON()` returns it. */
export const AuthenticationCredential = z
  .object({ ...AuthenticationResponse.shape })
  .openapi("AuthenticationCredential", {
    description:
      "What `navigator.credentials.get()` returned, as its `toJSON()` presents it (AuthenticationResponseJSON of WebAuthn). Unknown " +
      "members are ignored. All binary values are in base64url.",
    example: {
      id: "q1Xn3yE0b5xUeYvYv0X4mQ",
      rawId: "q1Xn3yE0b5xUeYvYv0X4mQ",
      type: "public-key",
      response: {
        clientDataJSON: "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0Iiwi…",
        authenticatorData: "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAA",
        signature: "MEUCIQDx5c2v…",
        userHandle: "AZjzwn0-fEGfKiuPDWweEQ",
      },
    },
  });

const Challenge = z.string().openapi({
  description: "Works once, within five minutes.",
  example: "u1yQ0hZ5lqk3wWn4rG7d2gGTh8yTqAAA…",
});

const Descriptors = z.array(
  z.object({
    type: z.literal("public-key"),
    id: z.string().openapi({ example: "q1Xn3yE0b5xUeYvYv0X4mQ" }),
    transports: z.array(z.string()).optional(),
  }),
);

const UserVerification = z.enum(["required", "preferred", "discouraged"]);

const Timeout = z.int().openapi({ description: "In milliseconds.", example: 300_000 });

/** The response with the options for a new passkey. */
export const CreationOptions = z
  .object({
    public_key: z
      .object({
        rp: z.object({ id: z.string(), name: z.string() }),
        user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
        challenge: Challenge,
        pubKeyCredParams: z.array(z.object({ type: z.literal("public-key"), alg: z.int() })),
        timeout: Timeout,
        excludeCredentials: Descriptors,
        authenticatorSelection: z.object({
          residentKey: z.literal("required"),
          requireResidentKey: z.literal(true),
          userVerification: UserVerification,
        }),
        attestation: z.literal("none"),
      })
      .openapi({
        description:
          "For `PublicKeyCredential.parseCreationOptionsFromJSON()` (PublicKeyCredentialCreationOptionsJSON of WebAuthn).",
      }),
  })
  .openapi("PasskeyCreationOptions");

/** The response with the options for an assertion. */
export const RequestOptions = z
  .object({
    public_key: z
      .object({
        challenge: Challenge,
        rpId: z.string().openapi({ example: "example.com" }),
        timeout: Timeout,
        allowCredentials: Descriptors,
        userVerification: UserVerification,
      })
      .openapi({
        description:
          "For `PublicKeyCredential.parseRequestOptionsFromJSON()` (PublicKeyCredentialRequestOptionsJSON of WebAuthn).",
      }),
  })
  .openapi("PasskeyRequestOptions");
