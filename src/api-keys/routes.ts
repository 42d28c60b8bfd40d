import type { Context as HonoContext } from "hono";
import { createRouter, jsonBody, jsonContent, operation } from "../access/operation.ts";
import { ownerOr, personal } from "../access/rule.ts";
import { callingUser } from "../access/target.ts";
import type { AppEnv } from "../http/app-env.ts";
import { IfMatch, IfNoneMatch, isNotModified, parseIfMatch, setValidator } from "../http/etag.ts";
import { IdempotencyKey } from "../http/idempotency-key.ts";
import { presentPage } from "../http/pagination.ts";
import { answerOnce } from "../idempotency/answer-once.ts";
import { parseId } from "../lib/ids.ts";
import type { ApiKeyTarget } from "./change.ts";
import { checkNewApiKey, createApiKey } from "./create.ts";
import { getApiKey, getApiKeyPage } from "./get.ts";
import { revokeApiKey } from "./revoke.ts";
import { rotateApiKey } from "./rotate.ts";
import {
  ApiKey,
  ApiKeyPage,
  ApiKeyParams,
  ApiKeyWithSecret,
  CreateApiKey,
  ListApiKeysQuery,
  presentApiKey,
  presentNewApiKey,
  presentRotatedApiKey,
  UpdateApiKey,
} from "./schema.ts";
import { checkApiKeyUpdate, updateApiKey } from "./update.ts";

const tags = ["API keys"];

const createApiKeyRoute = operation({
  method: "post",
  path: "/v1/api-keys",
  operationId: "createApiKey",
  tags,
  summary: "Create an API key",
  description:
    "Creates a key for yourself, or for the user in `user_id`. You and the user must both hold every scope, except " +
    "`me:read` and `me:write`, which everyone can give to their own keys; in another user's key they need users:read and users:update. " +
    "A request with the key can do what both its `scopes` and the user's current role allow. " +
    "The key is shown only in this response, and its owner gets an email.",
  access: personal(ownerOr("api_keys:write")),
  stepUp: true,
  parameters: [IdempotencyKey],
  request: { body: jsonBody(CreateApiKey) },
  check: (c, body: Partial<CreateApiKey>) => checkNewApiKey(c.get("ctx"), callingUser(c), body),
  responses: { 201: jsonContent(ApiKeyWithSecret, "The new key.", ["Location", "ETag"]) },
  errors: ["privilege_escalation", "user_not_found", "api_key_limit", "edit_conflict"],
});

const listApiKeysRoute = operation({
  method: "get",
  path: "/v1/api-keys",
  operationId: "listApiKeys",
  tags,
  summary: "List API keys",
  description:
    "Lists your own keys that are not revoked, the newest first. `user_id` selects another user's keys, or `all`.",
  access: ownerOr("api_keys:read"),
  request: { query: ListApiKeysQuery },
  responses: { 200: jsonContent(ApiKeyPage, "A page of keys, without secrets.") },
  errors: [],
});

const getApiKeyRoute = operation({
  method: "get",
  path: "/v1/api-keys/{id}",
  operationId: "getApiKey",
  tags,
  summary: "Retrieve an API key",
  description:
    "Returns 304 if `If-None-Match` matches the current version. Using a key does not change its version: a 304 says nothing about " +
    "`last_used_at`.",
  access: ownerOr("api_keys:read"),
  parameters: [IfNoneMatch],
  request: { params: ApiKeyParams },
  responses: {
    200: jsonContent(ApiKey, "The key, without the secret.", ["ETag"]),
    304: { description: "The key has not changed." },
  },
  errors: ["api_key_not_found"],
});

const updateApiKeyRoute = operation({
  method: "patch",
  path: "/v1/api-keys/{id}",
  operationId: "updateApiKey",
  tags,
  summary: "Update an API key",
  description:
    "Changes the name, the scopes or the expiry. You and the key's owner must both hold new scopes. To extend the expiry you must " +
    "hold every scope of the key. An expired key can be extended.",
  access: personal(ownerOr("api_keys:write")),
  stepUp: "if it adds a scope or extends the expiry",
  parameters: [IfMatch],
  request: { params: ApiKeyParams, body: jsonBody(UpdateApiKey) },
  check: (c, body: UpdateApiKey) =>
    checkApiKeyUpdate(c.get("ctx"), parseId(c.req.param("id") ?? "") ?? "", body),
  responses: { 200: jsonContent(ApiKey, "The updated key.", ["ETag"]) },
  errors: [
    "privilege_escalation",
    "api_key_not_found",
    "api_key_revoked",
    "api_key_limit",
    "edit_conflict",
    "version_conflict",
  ],
});

const revokeApiKeyRoute = operation({
  method: "delete",
  path: "/v1/api-keys/{id}",
  operationId: "revokeApiKey",
  tags,
  summary: "Revoke an API key",
  description: "Revocation is permanent. Revoking a revoked key succeeds and changes nothing.",
  access: personal(ownerOr("api_keys:write")),
  stepUp: true,
  parameters: [IfMatch],
  request: { params: ApiKeyParams },
  responses: { 204: { description: "The key is revoked." } },
  errors: ["privilege_escalation", "api_key_not_found", "edit_conflict", "version_conflict"],
});

const rotateApiKeyRoute = operation({
  method: "post",
  path: "/v1/api-keys/{id}/rotate",
  operationId: "rotateApiKey",
  tags,
  summary: "Rotate an API key",
  description:
    "Replaces the secret. You must hold every scope of the key, even those that its owner's role does not grant. The old one stops working immediately; the new one is shown only in this response.",
  access: personal(ownerOr("api_keys:write")),
  stepUp: true,
  parameters: [IfMatch, IdempotencyKey],
  request: { params: ApiKeyParams },
  responses: { 200: jsonContent(ApiKeyWithSecret, "The key with its new secret.", ["ETag"]) },
  errors: [
    "privilege_escalation",
    "api_key_not_found",
    "api_key_revoked",
    "edit_conflict",
    "version_conflict",
  ],
});

function target(c: HonoContext<AppEnv>, { id }: { id: string }): ApiKeyTarget {
  return { id, ifMatch: parseIfMatch(c.req.header("If-Match")) };
}

export const apiKeysRouter = createRouter()
  .openapi(createApiKeyRoute, (c) =>
    answerOnce(c, {
      run: (ctx, keep) =>
        createApiKey(ctx, { caller: callingUser(c), ...c.req.valid("json") }, keep),
      present: presentNewApiKey,
    }),
  )
  .openapi(listApiKeysRoute, async (c) => {
    const query = c.req.valid("query");
    const page = await getApiKeyPage(c.get("ctx"), callingUser(c), query);
    return c.json(presentPage(page, query.limit, presentApiKey), 200);
  })
  .openapi(getApiKeyRoute, async (c) => {
    const row = await getApiKey(c.get("ctx"), c.req.valid("param").id);
    setValidator(c, row);
    if (isNotModified(c.req.header("If-None-Match"), row)) return c.body(null, 304);
    return c.json(presentApiKey(row), 200);
  })
  .openapi(updateApiKeyRoute, async (c) => {
    const key = target(c, c.req.valid("param"));
    const row = await updateApiKey(c.get("ctx"), key, c.req.valid("json"));
    setValidator(c, row);
    return c.json(presentApiKey(row), 200);
  })
  .openapi(revokeApiKeyRoute, async (c) => {
    await revokeApiKey(c.get("ctx"), target(c, c.req.valid("param")));
    return c.body(null, 204);
  })
  .openapi(rotateApiKeyRoute, (c) =>
    answerOnce(c, {
      run: (ctx, keep) => rotateApiKey(ctx, target(c, c.req.valid("param")), keep),
      present: presentRotatedApiKey,
    }),
  );
