import { createRouter, formBody, jsonContent, operation } from "../../access/operation.ts";
import { permission } from "../../access/rule.ts";
import { introspect } from "./introspect.ts";
import { Introspect, Introspection } from "./schema.ts";

const introspectRoute = operation({
  method: "post",
  path: "/v1/auth/introspect",
  operationId: "introspectToken",
  tags: ["Authentication"],
  summary: "Introspect an access token",
  description:
    "Tells services that verify access tokens whether the session of a token has ended (RFC 7662). They authenticate with an " +
    "API key that has the scope `tokens:introspect`. After a session has ended, its tokens become inactive within 60 seconds in " +
    "every location.",
  access: permission("tokens:introspect"),
  rateLimitPolicy: "read",
  request: { body: formBody(Introspect) },
  responses: {
    200: jsonContent(Introspection, "Whether the token is active and, if it is, its claims."),
  },
  errors: [],
});

export const introspectionRouter = createRouter().openapi(introspectRoute, async (c) => {
  return c.json(await introspect(c.get("ctx"), c.req.valid("json").token), 200);
});
