import { createRouter, jsonBody, operation } from "../../access/operation.ts";
import { everyone, own } from "../../access/rule.ts";
import { callingPerson } from "../../access/target.ts";
import { changePassword, checkNewPassword } from "./change.ts";
import { requestReset } from "./forgot.ts";
import { removePassword, setPassword } from "./optional.ts";
import { checkReset, resetPassword } from "./reset.ts";
import { ChangePassword, ForgotPassword, ResetPassword, SetPassword } from "./schema.ts";

const tags = ["Authentication"];

const forgotRoute = operation({
  method: "post",
  path: "/v1/auth/password/forgot",
  operationId: "forgotPassword",
  tags,
  summary: "Request a password reset",
  description:
    "Sends an email with a link, at most one per minute and five per hour. The response is the same for every address.",
  access: everyone,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(ForgotPassword) },
  responses: { 202: { description: "An email is sent if the address belongs to an active user." } },
  errors: ["mail_not_configured"],
});

const resetRoute = operation({
  method: "post",
  path: "/v1/auth/password/reset",
  operationId: "resetPassword",
  tags,
  summary: "Reset a password with the token from the email",
  description: "Ends all sessions of the user. The token works once.",
  access: everyone,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(ResetPassword) },
  check: (c, body: Partial<ResetPassword>) => checkReset(c.get("ctx"), body),
  responses: { 204: { description: "The password was reset." } },
  errors: ["invalid_token"],
});

const changePasswordRoute = operation({
  method: "post",
  path: "/v1/auth/password/change",
  operationId: "changePassword",
  tags,
  summary: "Change your password",
  description:
    "Ends all your other sessions. Wrong current passwords are limited per session and do not affect logins.",
  access: own,
  request: { body: jsonBody(ChangePassword) },
  check: (c, body: Partial<ChangePassword>) => checkNewPassword(c.get("ctx"), body),
  responses: { 204: { description: "The password was changed." } },
  errors: ["invalid_credentials", "too_many_attempts"],
});

const setPasswordRoute = operation({
  method: "put",
  path: "/v1/auth/password",
  operationId: "setPassword",
  tags,
  summary: "Set a password",
  description:
    "For people who log in otherwise and have no password. Ends all your other sessions. To change a password, use POST " +
    "/v1/auth/password/change.",
  access: own,
  stepUp: true,
  request: { body: jsonBody(SetPassword) },
  check: (c, body: Partial<SetPassword>) => checkNewPassword(c.get("ctx"), body),
  responses: { 204: { description: "The password was set." } },
  errors: ["password_exists", "edit_conflict"],
});

const removePasswordRoute = operation({
  method: "delete",
  path: "/v1/auth/password",
  operationId: "removePassword",
  tags,
  summary: "Remove your password",
  description:
    "Needs another way to log in: a passkey, an account at a provider, or login by email with a verified address. Ends all your other " +
    "sessions.",
  access: own,
  stepUp: true,
  responses: { 204: { description: "You have no password." } },
  errors: ["last_login_method", "edit_conflict"],
});

export const passwordsRouter = createRouter()
  .openapi(forgotRoute, async (c) => {
    await requestReset(c.get("ctx"), c.req.valid("json").email);
    return c.body(null, 202);
  })
  .openapi(resetRoute, async (c) => {
    await resetPassword(c.get("ctx"), c.req.valid("json"));
    return c.body(null, 204);
  })
  .openapi(setPasswordRoute, async (c) => {
    await setPassword(c.get("ctx"), c.req.valid("json"));
    return c.body(null, 204);
  })
  .openapi(removePasswordRoute, async (c) => {
    await removePassword(c.get("ctx"), callingPerson(c).userId);
    return c.body(null, 204);
  })
  .openapi(changePasswordRoute, async (c) => {
    await changePassword(c.get("ctx"), c.req.valid("json"));
    return c.body(null, 204);
  });
