import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { everyone } from "../../access/rule.ts";
import { Tokens } from "../sessions/schema.ts";
import { VerifyMfa } from "./schema.ts";
import { verifyMfa } from "./verify.ts";

const verifyRoute = operation({
  method: "post",
  path: "/v1/auth/mfa/verify",
  operationId: "verifyMfa",
  tags: ["Authentication"],
  summary: "Complete a login with a second factor",
  description:
    "Takes the `mfa_token` of a login that answered `mfa_required`, and one of its `methods`. After five wrong codes in 15 minutes, " +
    "whichever the method, the account accepts none for a while, even a correct one; passwords are counted apart. The owner of the " +
    "account gets an email about a wrong code.",
  access: everyone,
  rateLimitPolicy: "auth",
  request: { body: jsonBody(VerifyMfa) },
  responses: { 200: jsonContent(Tokens, "The tokens of the new session.") },
  errors: ["invalid_mfa_token", "invalid_code", "too_many_attempts"],
});

export const mfaRouter = createRouter().openapi(verifyRoute, async (c) =>
  c.json(await verifyMfa(c.get("ctx"), c.req.valid("json")), 200),
);
