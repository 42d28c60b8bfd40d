import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { everyone, own } from "../../access/rule.ts";
import { callingPerson } from "../../access/target.ts";
import { presentUser, User } from "../../accounts/users/schema.ts";
import { setValidator } from "../../http/etag.ts";
import { changeEmail, checkEmailChange } from "./change-email.ts";
import { disownAccount } from "./disown.ts";
import { resendVerification } from "./resend.ts";
import { ChangeEmail, DisownEmail, VerifyEmail } from "./schema.ts";
import { verifyEmail } from "./verify.ts";

const tags = ["Authentication"];

const verifyRoute = operation({
  method: "post",
  path: "/v1/auth/email/verify",
  operationId: "verifyEmail",
  tags,
  summary: "Confirm an email address",
  description:
    "Takes the token from the email, for a first address or a new one. The token works once.",
  access: everyone,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(VerifyEmail) },
  responses: { 200: jsonContent(User, "The user.", ["ETag"]) },
  errors: ["invalid_token", "email_taken"],
});

const disownRoute = operation({
  method: "post",
  path: "/v1/auth/email/disown",
  operationId: "disownEmail",
  tags,
  summary: "Say that you did not register an account",
  description:
    "Takes the token from the email that asks to confirm an address, and erases the account. Only as long as no address of the account " +
    "was ever verified.",
  access: everyone,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(DisownEmail) },
  responses: { 204: { description: "The account was erased." } },
  errors: ["invalid_token", "edit_conflict"],
});

const resendRoute = operation({
  method: "post",
  path: "/v1/auth/email/resend",
  operationId: "resendVerification",
  tags,
  summary: "Resend the verification email",
  description: "At most one per minute and five per hour. The response is always the same.",
  access: own,
  responses: { 202: { description: "An email is sent if your address is not verified yet." } },
  errors: ["mail_not_configured"],
});

const changeEmailRoute = operation({
  method: "post",
  path: "/v1/auth/email/change",
  operationId: "changeEmail",
  tags,
  summary: "Change your email address",
  description:
    "Sends a token to the new address, and a notice to the old one if it is verified. The address changes once the token is confirmed. At most one email per minute and five per hour go to an address; beyond that the answer is 429.",
  access: own,
  stepUp: true,
  request: { body: jsonBody(ChangeEmail) },
  check: (c, body: Partial<ChangeEmail>) => checkEmailChange(c.get("ctx"), body),
  responses: { 202: { description: "An email is sent to the new address." } },
  errors: [
    "invalid_credentials",
    "too_many_attempts",
    "email_taken",
    "email_unchanged",
    "mail_not_configured",
  ],
});

export const verificationRouter = createRouter()
  .openapi(verifyRoute, async (c) => {
    const user = await verifyEmail(c.get("ctx"), c.req.valid("json").token);
    setValidator(c, user);
    return c.json(presentUser(user), 200);
  })
  .openapi(disownRoute, async (c) => {
    await disownAccount(c.get("ctx"), c.req.valid("json").token);
    return c.body(null, 204);
  })
  .openapi(resendRoute, async (c) => {
    await resendVerification(c.get("ctx"), callingPerson(c).userId);
    return c.body(null, 202);
  })
  .openapi(changeEmailRoute, async (c) => {
    await changeEmail(c.get("ctx"), c.req.valid("json"));
    return c.body(null, 202);
  });
