import type { Context as HonoContext } from "hono";
import {
  createRouter,
  formBody,
  jsonBody,
  jsonContent,
  operation,
} from "../../access/operation.ts";
import { everyone, everyoneOrOwn } from "../../access/rule.ts";
import { AppError } from "../../errors.ts";
import type { AppEnv } from "../../http/app-env.ts";
import { toHeaders } from "../../http/response-headers.ts";
import { presentIdentity } from "../identities/schema.ts";
import { ProviderParams } from "../providers/schema.ts";
import { presentTokens, requireMayStay } from "../sessions/refresh-cookie.ts";
import { finishCallback } from "./callback.ts";
import { exchangeCode } from "./exchange.ts";
import { CallbackParameters, Exchange, Exchanged } from "./schema.ts";

const tags = ["Authentication"];

const CALLBACK = {
  path: "/v1/auth/providers/{id}/callback",
  tags,
  access: everyone,
  rateLimitPolicy: "read",
  responses: {
    303: {
      description:
        "To the application's `redirect_uri`, with `code` or `error` (`access_denied`, `temporarily_unavailable` or `server_error`), the " +
        "application's `state`, and `iss`.",
      headers: toHeaders(["Location"]),
    },
  },
  errors: ["provider_not_found", "invalid_state"],
} as const;

const DESCRIPTION =
  "The address that the provider sends the person's browser to; applications do not call it. Nothing takes effect before the code is " +
  "exchanged.";

const callbackRoute = operation({
  ...CALLBACK,
  method: "get",
  operationId: "finishProviderLogin",
  summary: "Come back from a provider",
  description: DESCRIPTION,
  request: { params: ProviderParams, query: CallbackParameters },
});

const formCallbackRoute = operation({
  ...CALLBACK,
  method: "post",
  operationId: "finishProviderLoginByForm",
  summary: "Come back from a provider that sends a form",
  description: `${DESCRIPTION} Apple sends a form instead of a query.`,
  request: { params: ProviderParams, body: formBody(CallbackParameters) },
});

const exchangeRoute = operation({
  method: "post",
  path: "/v1/auth/exchange",
  operationId: "exchangeCode",
  tags,
  summary: "Exchange the code of a login with a provider",
  description:
    "Takes the `code` that your application got at `redirect_uri`, within a minute, and the PKCE verifier that only it has. A code works once. " +
    "The intent `login` gives tokens: for the account that is linked; for the account that has the same verified address, if the provider is " +
    "trusted with addresses and the account has no second factor; or for a new account. `link` gives the identity, and `step_up` what POST " +
    "/v1/auth/step-up gives; both need an access token of the session that started.",
  access: everyoneOrOwn,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(Exchange) },
  responses: {
    200: jsonContent(Exchanged, "Tokens, an identity, or an access token, by the intent.", [
      "Set-Cookie",
    ]),
  },
  errors: [
    "invalid_exchange_code",
    "invalid_credentials",
    "mfa_required",
    "mfa_enrollment_required",
    "insufficient_user_authentication",
    "origin_not_allowed",
    "registration_closed",
    "email_not_verified",
    "account_link_required",
    "identity_taken",
    "identity_limit",
    "edit_conflict",
  ],
});

export const providerLoginRouter = createRouter()
  .openapi(callbackRoute, (c) => finish(c, new URL(c.req.url).searchParams))
  .openapi(formCallbackRoute, async (c) => finish(c, toParameters(await c.req.json())))
  .openapi(exchangeRoute, async (c) => {
    const { stay_signed_in, ...sent } = c.req.valid("json");
    requireMayStay(c, stay_signed_in);
    const exchanged = await exchangeCode(c.get("ctx"), sent);
    switch (exchanged.intent) {
      case "login":
        return c.json(presentTokens(c, stay_signed_in, exchanged.tokens), 200);
      case "link":
        return c.json(presentIdentity(exchanged.identity), 200);
      case "step_up":
        return c.json(exchanged.session, 200);
    }
  });

async function finish(c: HonoContext<AppEnv>, parameters: URLSearchParams) {
  requireNoHead(c);
  const id = c.req.param("id") ?? "";
  return c.redirect(await finishCallback(c.get("ctx"), { id, parameters }), 303);
}

// Hono passes HEAD to the handler of GET. Whoever asks only for headers must not use up the state and the provider's code.
function requireNoHead(c: HonoContext<AppEnv>): void {
  if (c.req.method === "HEAD") throw new AppError("invalid_state");
}

// Of a form, as `readBody` passes it on: a field that was sent several times has a list. A body of JSON can have other values, which
// no provider sends.
function toParameters(form: Readonly<Record<string, unknown>>): URLSearchParams {
  const pairs = Object.entries(form).flatMap(([name, values]) =>
    [values].flat().flatMap((value) => (typeof value === "string" ? [[name, value]] : [])),
  );
  return new URLSearchParams(pairs);
}
