import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { everyone, own } from "../../access/rule.ts";
import { callingPerson } from "../../access/target.ts";
import { checkRegistration, registerUser } from "../../accounts/users/create.ts";
import { presentNewUser, presentUser, RegisterUser, User } from "../../accounts/users/schema.ts";
import { IdempotencyKey } from "../../http/idempotency-key.ts";
import { answerOnce } from "../../idempotency/answer-once.ts";
import { answerTokens } from "../sessions/refresh-cookie.ts";
import { presentSession, Tokens } from "../sessions/schema.ts";
import { logIn } from "./log-in.ts";
import { getMe } from "./me.ts";
import { Login, Me } from "./schema.ts";

const tags = ["Authentication"];

const registerRoute = operation({
  method: "post",
  path: "/v1/auth/register",
  operationId: "register",
  tags,
  summary: "Register an account",
  description:
    "Creates an account with the role `user` and, if email is configured, sends a link that confirms the address. It returns no tokens: log in next.",
  access: everyone,
  rateLimitPolicy: "auth",
  parameters: [IdempotencyKey],
  request: { body: jsonBody(RegisterUser) },
  check: (c, body: Partial<RegisterUser>) => checkRegistration(c.get("ctx"), body),
  responses: { 201: jsonContent(User, "The new user.", ["Location", "ETag"]) },
  errors: ["email_taken", "username_taken", "registration_closed"],
});

const loginRoute = operation({
  method: "post",
  path: "/v1/auth/login",
  operationId: "logIn",
  tags,
  summary: "Log in with a username or an email",
  description:
    "A failed login does not reveal whether the name or the password is wrong, or whether the account is inactive or deleted. " +
    "After too many failed logins from a network, logins to the account from there are refused for a while, even with the correct " +
    "password. If the password has expired, the problem contains a `reset_token` to set a new one with.",
  access: everyone,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(Login) },
  responses: { 200: jsonContent(Tokens, "The tokens of the new session.", ["Set-Cookie"]) },
  errors: [
    "invalid_credentials",
    "too_many_attempts",
    "email_not_verified",
    "password_expired",
    "origin_not_allowed",
    "mfa_required",
    "mfa_enrollment_required",
  ],
});

const meRoute = operation({
  method: "get",
  path: "/v1/auth/me",
  operationId: "getMe",
  tags,
  summary: "Get your account, permissions and session",
  description: "The permissions are those that your role currently grants.",
  access: own,
  mayLag: true,
  responses: {
    200: jsonContent(Me, "Your account, your permissions and the session of the access token."),
  },
  errors: [],
});

export const loginRouter = createRouter()
  .openapi(registerRoute, (c) =>
    answerOnce(c, {
      run: (ctx, keep) => registerUser(ctx, c.req.valid("json"), keep),
      present: presentNewUser,
    }),
  )
  .openapi(loginRoute, async (c) => {
    const { stay_signed_in, ...login } = c.req.valid("json");
    return c.json(await answerTokens(c, stay_signed_in, (ctx) => logIn(ctx, login)), 200);
  })
  .openapi(meRoute, async (c) => {
    const { user, session, permissions } = await getMe(c.get("ctx"), callingPerson(c));
    const body = {
      user: presentUser(user),
      permissions: [...permissions],
      session: presentSession(session.id)(session),
    };
    return c.json(body, 200);
  });
