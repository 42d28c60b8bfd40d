import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { everyone, everyoneOrOwn } from "../../access/rule.ts";
import { PageQuery, presentPage } from "../../http/pagination.ts";
import { getProviderPage } from "./list.ts";
import {
  ProviderPage,
  ProviderParams,
  presentProvider,
  StartedProviderLogin,
  StartProviderLogin,
} from "./schema.ts";
import { startProviderLogin } from "./start.ts";

const tags = ["Authentication"];

const listRoute = operation({
  method: "get",
  path: "/v1/auth/providers",
  operationId: "listProviders",
  tags,
  summary: "List login providers",
  description: "Lists the services that people can log in with, as in the setting PROVIDERS.",
  access: everyone,
  rateLimitPolicy: "read",
  request: { query: PageQuery },
  responses: { 200: jsonContent(ProviderPage, "A page of providers.") },
  errors: [],
});

const startRoute = operation({
  method: "post",
  path: "/v1/auth/providers/{id}/start",
  operationId: "startProviderLogin",
  tags,
  summary: "Start a login with a provider",
  description:
    "Returns an address at the provider. The browser comes back to `redirect_uri` with `code`, `state` and `iss`, or with `error`. Send " +
    "the code with your `code_verifier` to POST /v1/auth/exchange.",
  access: everyoneOrOwn,
  rateLimitPolicy: "read",
  stepUp: "with the intent `link`",
  request: { params: ProviderParams, body: jsonBody(StartProviderLogin) },
  responses: { 200: jsonContent(StartedProviderLogin, "The address at the provider.") },
  errors: ["redirect_uri_not_allowed", "provider_not_found", "provider_unavailable"],
});

export const providersRouter = createRouter()
  .openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    const page = await getProviderPage(c.get("ctx"), query);
    return c.json(presentPage(page, query.limit, presentProvider), 200);
  })
  .openapi(startRoute, async (c) => {
    const { id } = c.req.valid("param");
    const { url, expiresInSeconds } = await startProviderLogin(c.get("ctx"), {
      id,
      ...c.req.valid("json"),
    });
    return c.json({ authorization_url: url, expires_in: expiresInSeconds }, 200);
  });
