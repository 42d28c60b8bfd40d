import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { everyone } from "../../access/rule.ts";
import { answerTokens } from "../sessions/refresh-cookie.ts";
import { Tokens } from "../sessions/schema.ts";
import { requestEmailLogin } from "./request.ts";
import {
  PendingEmailLogin,
  presentPendingLogin,
  RequestEmailLogin,
  VerifyEmailLogin,
} from "./schema.ts";
import { logInByEmail } from "./verify.ts";

const tags = ["Authentication"];

const requestRoute = operation({
  method: "post",
  path: "/v1/auth/email-login",
  operationId: "requestEmailLogin",
  tags,
  summary: "Request a link and a code to log in by email",
  description:
    "Sends an email with a link and a six-digit code, which voids the earlier ones. The response is the same for every address. At most " +
    "one email per minute and five per hour are sent: beyond that, the earlier link and code stay valid, and the response has the same " +
    "`login_token` until they expire. Answers 404 `not_found` unless the setting `EMAIL_LOGIN` is `on`.",
  access: everyone,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(RequestEmailLogin) },
  responses: {
    202: jsonContent(
      PendingEmailLogin,
      "An email is sent if the address belongs to an active user.",
    ),
  },
  errors: ["not_found", "mail_not_configured"],
});

const verifyRoute = operation({
  method: "post",
  path: "/v1/auth/email-login/verify",
  operationId: "logInByEmail",
  tags,
  summary: "Log in with a link or a code from an email",
  description:
    "Takes the token from the link, or the code with the `login_token` of the request. Each email logs in once. Five codes can be tried " +
    "per email, and ten per account in 15 minutes; beyond that, the right one is refused, too. The first login to an account " +
    "whose address was never verified verifies it, and removes what was set up before: password, sessions, API keys, second factors and " +
    "accounts at other providers. Answers 404 `not_found` unless the setting `EMAIL_LOGIN` is `on`.",
  access: everyone,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(VerifyEmailLogin) },
  responses: { 200: jsonContent(Tokens, "The tokens of the new session.", ["Set-Cookie"]) },
  errors: [
    "not_found",
    "invalid_code",
    "origin_not_allowed",
    "too_many_attempts",
    "mfa_required",
    "mfa_enrollment_required",
  ],
});

export const emailLoginRouter = createRouter()
  .openapi(requestRoute, async (c) => {
    const pending = await requestEmailLogin(c.get("ctx"), c.req.valid("json"));
    return c.json(presentPendingLogin(pending), 202);
  })
  .openapi(verifyRoute, async (c) => {
    const { stay_signed_in, ...proof } = c.req.valid("json");
    return c.json(await answerTokens(c, stay_signed_in, (ctx) => logInByEmail(ctx, proof)), 200);
  });
