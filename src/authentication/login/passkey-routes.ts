import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { everyone } from "../../access/rule.ts";
import { RequestOptions } from "../passkeys/schema.ts";
import { answerTokens } from "../sessions/refresh-cookie.ts";
import { Tokens } from "../sessions/schema.ts";
import { logInByPasskey, offerPasskeyLogin } from "./log-in-by-passkey.ts";
import { PasskeyLogin } from "./schema.ts";

const tags = ["Authentication"];

const optionsRoute = operation({
  method: "post",
  path: "/v1/auth/passkey/options",
  operationId: "offerPasskeyLogin",
  tags,
  summary: "Get the options to log in with a passkey",
  description:
    "Pass `public_key` to `navigator.credentials.get()`, and send what it returns to POST /v1/auth/passkey/login. The browser lets the " +
    "user choose one of their passkeys, so no name is needed.",
  access: everyone,
  rateLimitPolicy: "read",
  responses: { 200: jsonContent(RequestOptions, "The options for the browser.") },
  errors: ["passkeys_unavailable"],
});

const loginRoute = operation({
  method: "post",
  path: "/v1/auth/passkey/login",
  operationId: "logInByPasskey",
  tags,
  summary: "Log in with a passkey",
  description:
    "Replaces the password and the second factor, because the authenticator has checked its user. A failed login does not reveal " +
    "whether the passkey is unknown, the signature is wrong, the options have expired, or the account is inactive or deleted. Failures " +
    "do not lock the account.",
  access: everyone,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(PasskeyLogin) },
  responses: { 200: jsonContent(Tokens, "The tokens of the new session.", ["Set-Cookie"]) },
  errors: [
    "invalid_credentials",
    "email_not_verified",
    "origin_not_allowed",
    "passkeys_unavailable",
  ],
});

export const passkeyLoginRouter = createRouter()
  .openapi(optionsRoute, async (c) =>
    c.json({ public_key: await offerPasskeyLogin(c.get("ctx")) }, 200),
  )
  .openapi(loginRoute, async (c) => {
    const { stay_signed_in, ...login } = c.req.valid("json");
    return c.json(await answerTokens(c, stay_signed_in, (ctx) => logInByPasskey(ctx, login)), 200);
  });
