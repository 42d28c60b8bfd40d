import { everyone, own } from "../../access/guard.ts";
import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { currentUser } from "../../access/target.ts";
import { presentUser } from "../../accounts/users/present.ts";
import { User } from "../../accounts/users/schema.ts";
import { setValidator } from "../../http/etag.ts";
import { VerifyEmail } from "./schema.ts";
import { resendVerification, verifyEmail } from "./verify.ts";

const tags = ["Authentication"];

const verifyRoute = operation({
  method: "post",
  path: "/v1/auth/email/verify",
  operationId: "verifyEmail",
  tags,
  summary: "Confirm an email address",
  description: "With the token from the mail, for a first address or a new one. It works once.",
  access: everyone,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(VerifyEmail) },
  responses: { 200: jsonContent(User, "The user.", ["ETag"]) },
  errors: ["invalid_token", "email_taken"],
});

const resendRoute = operation({
  method: "post",
  path: "/v1/auth/email/resend",
  operationId: "resendVerification",
  tags,
  summary: "Send the confirmation again",
  description: "One a minute and five an hour; the answer is the same.",
  access: own,
  responses: { 202: { description: "A mail goes out if there is something to confirm." } },
  errors: [],
});

export const verificationRouter = createRouter()
  .openapi(verifyRoute, async (c) => {
    const user = await verifyEmail(c.var.ctx, c.req.valid("json").token);
    setValidator(c, user);
    return c.json(presentUser(user), 200);
  })
  .openapi(resendRoute, async (c) => {
    await resendVerification(c.var.ctx, currentUser(c).userId);
    return c.body(null, 202);
  });
