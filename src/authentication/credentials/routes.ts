import { createRouter, jsonContent, operation } from "../../access/operation.ts";
import { permission, personal } from "../../access/rule.ts";
import { targetPerson } from "../../access/target.ts";
import { presentUser, User, UserParams } from "../../accounts/users/schema.ts";
import { IfMatch, parseIfMatch, setValidator } from "../../http/etag.ts";
import { expirePassword } from "./expire-password.ts";
import { markEmailVerified } from "./mark-verified.ts";
import { resetFactors } from "./reset-factors.ts";
import { sendReset } from "./send-reset.ts";
import { sendVerification } from "./send-verification.ts";
import { unlockUser } from "./unlock.ts";

const tags = ["Credentials"];
const access = personal(permission("credentials:manage"));
const request = { params: UserParams };
const errors = ["user_not_found", "privilege_escalation", "edit_conflict"] as const;

const unlockRoute = operation({
  method: "post",
  path: "/v1/users/{id}/unlock",
  operationId: "unlockUser",
  tags,
  summary: "Unlock a user's account",
  description:
    "Forgets the failed logins to the account and its wrong codes, so that no network is locked out of it any longer.",
  access,
  stepUp: true,
  request,
  responses: { 204: { description: "No network is locked out of the account." } },
  errors,
});

const expirePasswordRoute = operation({
  method: "post",
  path: "/v1/users/{id}/password/expire",
  operationId: "expirePassword",
  tags,
  summary: "Expire a user's password",
  description:
    "At the next login, the user gets `password_expired` and a token to set a new password with. Sessions stay: end them with " +
    "DELETE /v1/users/{id}/sessions. Changes nothing for a user without a password.",
  access,
  stepUp: true,
  request,
  responses: { 204: { description: "The next login must set a new password." } },
  errors,
});

const sendResetRoute = operation({
  method: "post",
  path: "/v1/users/{id}/password/send-reset",
  operationId: "sendPasswordReset",
  tags,
  summary: "Send a user a password reset",
  description:
    "Sends the user an email with a link to choose a new password: at most one per minute and five per hour. A user who was invited and " +
    "has no password yet gets the invitation again.",
  access,
  stepUp: true,
  request,
  responses: { 202: { description: "The email is on its way." } },
  errors: [...errors, "user_inactive", "mail_not_configured"],
});

const sendVerificationRoute = operation({
  method: "post",
  path: "/v1/users/{id}/email/send-verification",
  operationId: "sendEmailVerification",
  tags,
  summary: "Send a user the verification link again",
  description: "At most one per minute and five per hour. Sends nothing if the email is verified.",
  access,
  stepUp: true,
  request,
  responses: { 202: { description: "The email is on its way, unless the address is verified." } },
  errors: [...errors, "mail_not_configured"],
});

const markVerifiedRoute = operation({
  method: "post",
  path: "/v1/users/{id}/email/mark-verified",
  operationId: "markEmailVerified",
  tags,
  summary: "Mark a user's email as verified",
  description: "Do this only if you know by other means that the address belongs to the user.",
  access,
  stepUp: true,
  parameters: [IfMatch],
  request,
  responses: { 200: jsonContent(User, "The user.", ["ETag"]) },
  errors: [...errors, "version_conflict"],
});

const resetFactorsRoute = operation({
  method: "delete",
  path: "/v1/users/{id}/factors",
  operationId: "resetFactors",
  tags,
  summary: "Remove a user's second factors",
  description:
    "For someone who has lost their second factor: removes all their factors and recovery codes, ends their sessions, and notifies them " +
    "by email. Make sure by other means that the request comes from them: from then on, their password suffices to log in. If their role " +
    "requires a second factor, the next login only lets them set one up.",
  access,
  stepUp: true,
  parameters: [IfMatch],
  request,
  responses: { 204: { description: "The user has no second factor." } },
  errors: [...errors, "version_conflict"],
});

export const credentialsRouter = createRouter()
  .openapi(unlockRoute, async (c) => {
    await unlockUser(c.get("ctx"), targetPerson(c));
    return c.body(null, 204);
  })
  .openapi(expirePasswordRoute, async (c) => {
    await expirePassword(c.get("ctx"), targetPerson(c));
    return c.body(null, 204);
  })
  .openapi(sendResetRoute, async (c) => {
    await sendReset(c.get("ctx"), targetPerson(c));
    return c.body(null, 202);
  })
  .openapi(sendVerificationRoute, async (c) => {
    await sendVerification(c.get("ctx"), targetPerson(c));
    return c.body(null, 202);
  })
  .openapi(markVerifiedRoute, async (c) => {
    const ifMatch = parseIfMatch(c.req.header("If-Match"));
    const user = await markEmailVerified(c.get("ctx"), { userId: targetPerson(c), ifMatch });
    setValidator(c, user);
    return c.json(presentUser(user), 200);
  })
  .openapi(resetFactorsRoute, async (c) => {
    const ifMatch = parseIfMatch(c.req.header("If-Match"));
    await resetFactors(c.get("ctx"), { userId: targetPerson(c), ifMatch });
    return c.body(null, 204);
  });
