import { createRouter, formBody, jsonContent, operation } from "../../access/operation.ts";
import { permission } from "../../access/rule.ts";
import { introspect } from "./introspect.ts";
import { Introspect, Introspection } from "./schema.ts";

const introspectRoute = operation({
  method: "post",
  path: "/v1/auth/introspect",
  operationId: "introspectToken",
  tags: ["Authentication"],
  summary: "Ask whether an access token is active",
  description:
    "For services that verify tokens and want to learn when a session has ended (RFC 7662). Send an API key with the scope " +
    "`tokens:introspect`. A token of a session that has ended is inactive within 60 seconds in every location.",
  access: permission("tokens:introspect"),
  rateLimitPolicy: "read",
  request: { body: formBody(Introspect) },
  responses: { 200: jsonContent(Introspection, "Whether the token is active, and whose it is.") },
  errors: [],
});

export const introspectionRouter = createRouter().openapi(introspectRoute, async (c) => {
  return c.json(await introspect(c.get("ctx"), c.req.valid("json").token), 200);
});
