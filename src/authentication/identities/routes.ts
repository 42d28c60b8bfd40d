import { createRouter, jsonContent, operation } from "../../access/operation.ts";
import { own } from "../../access/rule.ts";
import { callingPerson } from "../../access/target.ts";
import { PageQuery, presentPage } from "../../http/pagination.ts";
import { getIdentityPage, unlinkIdentity } from "./manage.ts";
import { IdentityPage, IdentityParams, presentIdentity } from "./schema.ts";

const tags = ["Authentication"];

const listRoute = operation({
  method: "get",
  path: "/v1/auth/identities",
  operationId: "listIdentities",
  tags,
  summary: "List your accounts at login providers",
  description: "Lists the accounts at login providers that you can log in with, the newest first.",
  access: own,
  mayLag: true,
  request: { query: PageQuery },
  responses: { 200: jsonContent(IdentityPage, "A page of identities.") },
  errors: [],
});

const unlinkRoute = operation({
  method: "delete",
  path: "/v1/auth/identities/{id}",
  operationId: "unlinkIdentity",
  tags,
  summary: "Unlink an account at a login provider",
  description:
    "It can no longer be used to log in, and you are notified by email. Sessions stay. The only way to log in cannot be removed.",
  access: own,
  stepUp: true,
  request: { params: IdentityParams },
  responses: { 204: { description: "The account at the provider is no longer linked." } },
  errors: ["identity_not_found", "last_login_method", "edit_conflict"],
});

export const identitiesRouter = createRouter()
  .openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    const page = await getIdentityPage(c.get("ctx"), callingPerson(c), query);
    return c.json(presentPage(page, query.limit, presentIdentity), 200);
  })
  .openapi(unlinkRoute, async (c) => {
    await unlinkIdentity(c.get("ctx"), { ...callingPerson(c), id: c.req.valid("param").id });
    return c.body(null, 204);
  });
