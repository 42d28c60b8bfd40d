import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { own } from "../../access/rule.ts";
import { callingPerson } from "../../access/target.ts";
import { RequestOptions } from "../passkeys/schema.ts";
import { challengeStepUp, sendStepUpCode } from "./challenge.ts";
import { ChallengeStepUp, SteppedUp, StepUp } from "./schema.ts";
import { stepUp } from "./step-up.ts";

const stepUpRoute = operation({
  method: "post",
  path: "/v1/auth/step-up",
  operationId: "stepUp",
  tags: ["Authentication"],
  summary: "Confirm that it is you",
  description:
    "Operations with `x-step-up` need a recent authentication, and one with two factors if you have a second one. They answer 401 " +
    "`insufficient_user_authentication` otherwise, with the level in `acr_values` and the age in seconds in `max_age` (RFC 9470). Step " +
    "up, then repeat the request with the new access token. Your session and refresh token stay the same. If you have a second factor, you need " +
    "two step-ups, by password and by the factor, unless one of them is recent. Wrong passwords are limited per session, and wrong codes " +
    "per account.",
  access: own,
  request: { body: jsonBody(StepUp) },
  responses: { 200: jsonContent(SteppedUp, "A new access token for the same session.") },
  errors: ["invalid_credentials", "invalid_code", "too_many_attempts", "passkeys_unavailable"],
});

const challengeRoute = operation({
  method: "post",
  path: "/v1/auth/step-up/challenge",
  operationId: "challengeStepUp",
  tags: ["Authentication"],
  summary: "Get what a step-up with a passkey or by email needs",
  description:
    "For a passkey, pass `public_key` to `navigator.credentials.get()`, and send what it returns to POST /v1/auth/step-up. For " +
    "`email_code`, a six-digit code is sent to your address if it is verified: at most one per minute and five per hour. It is good for " +
    "ten minutes. In a session that began with a login by email, it counts as the same factor again.",
  access: own,
  rateLimitPolicy: "read",
  request: { body: jsonBody(ChallengeStepUp) },
  responses: {
    200: jsonContent(RequestOptions, "The options for the browser."),
    202: { description: "A code is sent to your address." },
  },
  errors: ["passkey_missing", "passkeys_unavailable", "email_not_verified", "mail_not_configured"],
});

export const stepUpRouter = createRouter()
  .openapi(stepUpRoute, async (c) => c.json(await stepUp(c.get("ctx"), c.req.valid("json")), 200))
  .openapi(challengeRoute, async (c) => {
    const { userId } = callingPerson(c);
    if (c.req.valid("json").method === "email_code") {
      await sendStepUpCode(c.get("ctx"), userId);
      return c.body(null, 202);
    }
    const public_key = await challengeStepUp(c.get("ctx"), userId);
    return c.json({ public_key }, 200);
  });
