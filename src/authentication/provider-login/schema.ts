import { z } from "@hono/zod-openapi";
import { MAX_TOKEN_LENGTH, opaqueText } from "../../http/fields.ts";
import { Identity } from "../identities/schema.ts";
import { StaySignedIn, Tokens } from "../sessions/schema.ts";
import { SteppedUp } from "../step-up/schema.ts";

// Only `state` decides whether a callback is accepted, and providers add parameters of their own.
function parameter(description: string, example: string) {
  return z.unknown().optional().openapi({ type: "string", description, example });
}

/** What providers send to the callback (RFC 6749 section 4.1.2), in the query or as a form. */
export const CallbackParameters = z
  .looseObject({
    state: parameter("The state of the authorization request.", "kGx3…"),
    code: parameter("The code of the provider, if the person has logged in.", "4/0AX4…"),
    iss: parameter("The issuer of the provider (RFC 9207).", "https://accounts.google.com"),
    error: parameter("Why the person has not logged in.", "access_denied"),
    error_description: parameter("Not used.", "The user denied access."),
  })
  .openapi("CallbackParameters");

export const Exchange = z
  .strictObject({
    code: opaqueText(MAX_TOKEN_LENGTH).openapi({
      description: "The code that your application got at `redirect_uri`.",
      example: "rxc_pSxk…",
    }),
    code_verifier: opaqueText(128).openapi({
      description:
        "The PKCE verifier whose challenge you sent to start (RFC 7636): 43 to 128 characters. A wrong one uses the code up.",
      example: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }),
    stay_signed_in: StaySignedIn,
  })
  .openapi("Exchange");
export type Exchange = z.infer<typeof Exchange>;

/** What a code is exchanged for, by the `intent` that the login was started with. */
export const Exchanged = z.union([Tokens, Identity, SteppedUp]);
