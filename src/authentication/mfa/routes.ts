import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { everyone } from "../../access/rule.ts";
import { RequestOptions } from "../passkeys/schema.ts";
import { answerTokens } from "../sessions/refresh-cookie.ts";
import { Tokens } from "../sessions/schema.ts";
import { challengeMfa } from "./challenge.ts";
import { ChallengeMfa, VerifyMfa } from "./schema.ts";
import { verifyMfa } from "./verify.ts";

const verifyRoute = operation({
  method: "post",
  path: "/v1/auth/mfa/verify",
  operationId: "verifyMfa",
  tags: ["Authentication"],
  summary: "Complete a login with a second factor",
  description:
    "Takes the `mfa_token` of a login that answered `mfa_required`, and one of its `methods`. After five wrong codes in 15 minutes, " +
    "whichever the method, the account accepts none for a while, even a correct one; passwords are counted apart. The owner of the " +
    "account gets an email about a wrong code.",
  access: everyone,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(VerifyMfa) },
  responses: { 200: jsonContent(Tokens, "The tokens of the new session.", ["Set-Cookie"]) },
  errors: [
    "invalid_mfa_token",
    "invalid_code",
    "origin_not_allowed",
    "too_many_attempts",
    "passkeys_unavailable",
  ],
});

const challengeRoute = operation({
  method: "post",
  path: "/v1/auth/mfa/challenge",
  operationId: "challengeMfa",
  tags: ["Authentication"],
  summary: "Get the options to complete a login with a passkey",
  description:
    "Pass `public_key` to `navigator.credentials.get()`, and send what it returns to POST /v1/auth/mfa/verify.",
  access: everyone,
  rateLimitPolicy: "read",
  request: { body: jsonBody(ChallengeMfa) },
  responses: { 200: jsonContent(RequestOptions, "The options for the browser.") },
  errors: ["invalid_mfa_token", "passkey_missing", "passkeys_unavailable"],
});

export const mfaRouter = createRouter()
  .openapi(verifyRoute, async (c) => {
    const { stay_signed_in, ...factor } = c.req.valid("json");
    return c.json(await answerTokens(c, stay_signed_in, (ctx) => verifyMfa(ctx, factor)), 200);
  })
  .openapi(challengeRoute, async (c) => {
    const public_key = await challengeMfa(c.get("ctx"), c.req.valid("json"));
    return c.json({ public_key }, 200);
  });
