import { ownerOr, personal } from "../access/guard.ts";
import { createRouter, jsonBody, jsonContent, operation } from "../access/operation.ts";
import { currentPrincipal, currentUser } from "../access/target.ts";
import { presentPage } from "../http/pagination.ts";
import {
  ApiKey,
  ApiKeyId,
  ApiKeyPage,
  ApiKeyWithSecret,
  CreateApiKey,
  ListApiKeysQuery,
  presentApiKey,
  UpdateApiKey,
} from "./schema.ts";
import {
  createApiKey,
  getApiKey,
  getApiKeyPage,
  revokeApiKey,
  rotateApiKey,
  updateApiKeyDetails,
} from "./service.ts";

const tags = ["API keys"];

const createApiKeyRoute = operation({
  method: "post",
  path: "/v1/api-keys",
  operationId: "createApiKey",
  tags,
  summary: "Make an API key",
  description:
    "For yourself, or with `user_id` for another. The key acts for its user with `scopes`, as far as the user's role grants them at the time of use. It is shown this once.",
  access: personal(ownerOr("api_keys:write")),
  request: { body: jsonBody(CreateApiKey) },
  responses: { 201: jsonContent(ApiKeyWithSecret, "The key.", ["Location"]) },
  errors: ["privilege_escalation", "user_not_found", "api_key_limit"],
});

const listApiKeysRoute = operation({
  method: "get",
  path: "/v1/api-keys",
  operationId: "listApiKeys",
  tags,
  summary: "List API keys",
  description: "Yours, the newest first. `user_id` names another's, or `all`.",
  access: ownerOr("api_keys:read"),
  request: { query: ListApiKeysQuery },
  responses: { 200: jsonContent(ApiKeyPage, "A page of keys, without their secrets.") },
  errors: [],
});

const getApiKeyRoute = operation({
  method: "get",
  path: "/v1/api-keys/{id}",
  operationId: "getApiKey",
  tags,
  summary: "Read an API key",
  access: ownerOr("api_keys:read"),
  request: { params: ApiKeyId },
  responses: { 200: jsonContent(ApiKey, "The key, without its secret.") },
  errors: ["api_key_not_found"],
});

const updateApiKeyRoute = operation({
  method: "patch",
  path: "/v1/api-keys/{id}",
  operationId: "updateApiKey",
  tags,
  summary: "Rename or re-scope an API key",
  access: personal(ownerOr("api_keys:write")),
  request: { params: ApiKeyId, body: jsonBody(UpdateApiKey) },
  responses: { 200: jsonContent(ApiKey, "The key as it is now.") },
  errors: ["privilege_escalation", "api_key_not_found", "api_key_revoked", "edit_conflict"],
});

const revokeApiKeyRoute = operation({
  method: "delete",
  path: "/v1/api-keys/{id}",
  operationId: "revokeApiKey",
  tags,
  summary: "Revoke an API key for good",
  access: personal(ownerOr("api_keys:write")),
  request: { params: ApiKeyId },
  responses: { 204: { description: "It is of no use any more." } },
  errors: ["privilege_escalation", "api_key_not_found", "edit_conflict"],
});

const rotateApiKeyRoute = operation({
  method: "post",
  path: "/v1/api-keys/{id}/rotate",
  operationId: "rotateApiKey",
  tags,
  summary: "Give an API key a new secret",
  description: "The old one stops at once. The new one is shown this once.",
  access: personal(ownerOr("api_keys:write")),
  request: { params: ApiKeyId },
  responses: { 200: jsonContent(ApiKeyWithSecret, "The key with its new secret.") },
  errors: ["privilege_escalation", "api_key_not_found", "api_key_revoked", "edit_conflict"],
});

export const apiKeysRouter = createRouter()
  .openapi(createApiKeyRoute, async (c) => {
    const { row, key } = await createApiKey(c.var.ctx, currentUser(c), c.req.valid("json"));
    c.header("Location", `/v1/api-keys/${row.id}`);
    return c.json({ ...presentApiKey(row), key }, 201);
  })
  .openapi(listApiKeysRoute, async (c) => {
    const query = c.req.valid("query");
    const page = await getApiKeyPage(c.var.ctx, currentPrincipal(c), query);
    return c.json(presentPage(page, query.limit, presentApiKey), 200);
  })
  .openapi(getApiKeyRoute, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(presentApiKey(await getApiKey(c.var.ctx, currentPrincipal(c), id)), 200);
  })
  .openapi(updateApiKeyRoute, async (c) => {
    const { id } = c.req.valid("param");
    const row = await updateApiKeyDetails(c.var.ctx, currentUser(c), id, c.req.valid("json"));
    return c.json(presentApiKey(row), 200);
  })
  .openapi(revokeApiKeyRoute, async (c) => {
    await revokeApiKey(c.var.ctx, currentUser(c), c.req.valid("param").id);
    return c.body(null, 204);
  })
  .openapi(rotateApiKeyRoute, async (c) => {
    const { row, key } = await rotateApiKey(c.var.ctx, currentUser(c), c.req.valid("param").id);
    return c.json({ ...presentApiKey(row), key }, 200);
  });
