import { everyone, own } from "../../access/guard.ts";
import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { currentUser } from "../../access/target.ts";
import { registerUser } from "../../accounts/users/create.ts";
import { presentUser } from "../../accounts/users/present.ts";
import { RegisterUser, User } from "../../accounts/users/schema.ts";
import { setValidator } from "../../http/etag.ts";
import { changePassword } from "../passwords/change.ts";
import { endSessions } from "../sessions/end.ts";
import { presentSession, Tokens } from "../sessions/schema.ts";
import { refreshSession } from "../sessions/tokens.ts";
import { changeEmail } from "../verification/change-email.ts";
import { ChangeEmail } from "../verification/schema.ts";
import { getMe, logIn } from "./log-in.ts";
import { ChangePassword, Login, Me, Refresh } from "./schema.ts";

const tags = ["Authentication"];

const registerRoute = operation({
  method: "post",
  path: "/v1/auth/register",
  operationId: "register",
  tags,
  summary: "Open an account",
  access: everyone,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(RegisterUser) },
  responses: { 201: jsonContent(User, "The new user.", ["Location", "ETag"]) },
  errors: ["email_taken", "username_taken", "registration_closed"],
});

const loginRoute = operation({
  method: "post",
  path: "/v1/auth/login",
  operationId: "logIn",
  tags,
  summary: "Log in by username or email",
  description:
    "The answer is the same whatever is wrong: name, password, or an account that is inactive or deleted. " +
    "Too many failures lock the account for a while, for the right password too.",
  access: everyone,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(Login) },
  responses: { 200: jsonContent(Tokens, "Tokens of a new session.") },
  errors: ["invalid_credentials", "too_many_attempts", "email_not_verified"],
});

const refreshRoute = operation({
  method: "post",
  path: "/v1/auth/refresh",
  operationId: "refresh",
  tags,
  summary: "Get new tokens for a refresh token",
  description:
    "The token is spent by this. A retry within 30 seconds gets the same successor; used later, a spent token ends the session.",
  access: everyone,
  rateLimitPolicy: "refresh",
  request: { body: jsonBody(Refresh) },
  responses: { 200: jsonContent(Tokens, "New tokens of the same session.") },
  errors: ["invalid_refresh_token"],
});

const logoutRoute = operation({
  method: "post",
  path: "/v1/auth/logout",
  operationId: "logOut",
  tags,
  summary: "End the session of this access token",
  access: own,
  responses: { 204: { description: "The session has ended, and its tokens with it." } },
  errors: [],
});

const meRoute = operation({
  method: "get",
  path: "/v1/auth/me",
  operationId: "getMe",
  tags,
  summary: "Who am I, and what may I do?",
  access: own,
  responses: { 200: jsonContent(Me, "The user, their permissions and this session.") },
  errors: [],
});

const changePasswordRoute = operation({
  method: "post",
  path: "/v1/auth/password/change",
  operationId: "changePassword",
  tags,
  summary: "Change your password",
  description: "Every other session ends. A wrong current password counts as a failed login.",
  access: own,
  request: { body: jsonBody(ChangePassword) },
  responses: { 204: { description: "The new password is in force." } },
  errors: ["invalid_credentials", "too_many_attempts"],
});

const changeEmailRoute = operation({
  method: "post",
  path: "/v1/auth/email/change",
  operationId: "changeEmail",
  tags,
  summary: "Change your email address",
  description:
    "The new address must confirm with the token that is sent to it; the old one is told. Until then nothing changes.",
  access: own,
  request: { body: jsonBody(ChangeEmail) },
  responses: { 202: { description: "A mail is on its way to the new address." } },
  errors: ["invalid_credentials", "too_many_attempts", "email_taken"],
});

export const authRouter = createRouter()
  .openapi(registerRoute, async (c) => {
    const user = await registerUser(c.var.ctx, c.req.valid("json"));
    setValidator(c, user);
    c.header("Location", `/v1/users/${user.id}`);
    return c.json(presentUser(user), 201);
  })
  .openapi(loginRoute, async (c) => c.json(await logIn(c.var.ctx, c.req.valid("json")), 200))
  .openapi(refreshRoute, async (c) => {
    const { refresh_token } = c.req.valid("json");
    return c.json(await refreshSession(c.var.ctx, refresh_token), 200);
  })
  .openapi(logoutRoute, async (c) => {
    const principal = currentUser(c);
    const { userId, sessionId } = principal;
    await endSessions(c.var.ctx, principal, { userId, sessionId, reason: "logout" });
    return c.body(null, 204);
  })
  .openapi(changePasswordRoute, async (c) => {
    await changePassword(c.var.ctx, currentUser(c), c.req.valid("json"));
    return c.body(null, 204);
  })
  .openapi(changeEmailRoute, async (c) => {
    await changeEmail(c.var.ctx, currentUser(c), c.req.valid("json"));
    return c.body(null, 202);
  })
  .openapi(meRoute, async (c) => {
    const principal = currentUser(c);
    const { user, session } = await getMe(c.var.ctx, principal);
    const body = {
      user: presentUser(user),
      permissions: [...principal.permissions],
      session: presentSession(principal.sessionId)(session),
    };
    return c.json(body, 200);
  });
