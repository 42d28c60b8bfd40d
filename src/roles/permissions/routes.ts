import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { permission, personal } from "../../access/rule.ts";
import { IdempotencyKey } from "../../http/idempotency-key.ts";
import { presentPage } from "../../http/pagination.ts";
import { answerOnce } from "../../idempotency/answer-once.ts";
import { createPermission } from "./create.ts";
import { deletePermission } from "./delete.ts";
import { getPermissionPage } from "./list.ts";
import {
  CreatePermission,
  ListPermissionsQuery,
  Permission,
  PermissionPage,
  PermissionParams,
  presentNewPermission,
  presentPermission,
} from "./schema.ts";

const tags = ["Roles"];

const listRoute = operation({
  method: "get",
  path: "/v1/permissions",
  operationId: "listPermissions",
  tags,
  summary: "List all permissions",
  description: "Lists the permissions of Roster itself and those of your application.",
  access: permission("roles:read"),
  request: { query: ListPermissionsQuery },
  responses: { 200: jsonContent(PermissionPage, "A page of permissions, by name.") },
  errors: [],
});

const createPermissionRoute = operation({
  method: "post",
  path: "/v1/permissions",
  operationId: "createPermission",
  tags,
  summary: "Add a permission of your application",
  description:
    "Roles and API keys hold it like any other, and access tokens have it in `scope`. Roster itself gives it no meaning. The role " +
    "`admin` holds it from now on. You can add up to 500 permissions.",
  access: personal(permission("roles:write")),
  parameters: [IdempotencyKey],
  request: { body: jsonBody(CreatePermission) },
  responses: { 201: jsonContent(Permission, "The new permission.") },
  errors: ["permission_exists", "permission_limit", "edit_conflict"],
});

const deletePermissionRoute = operation({
  method: "delete",
  path: "/v1/permissions/{name}",
  operationId: "deletePermission",
  tags,
  summary: "Delete a permission of your application",
  description:
    "A permission cannot be deleted while a role other than `admin` or a live API key holds it. The role `admin` loses it.",
  access: personal(permission("roles:write")),
  stepUp: true,
  request: { params: PermissionParams },
  responses: { 204: { description: "The permission was deleted." } },
  errors: ["permission_not_found", "system_permission", "permission_in_use", "edit_conflict"],
});

export const permissionsRouter = createRouter()
  .openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    const page = await getPermissionPage(c.get("ctx"), query);
    return c.json(presentPage(page, query.limit, presentPermission), 200);
  })
  .openapi(createPermissionRoute, (c) =>
    answerOnce(c, {
      run: (ctx, keep) => createPermission(ctx, c.req.valid("json"), keep),
      present: presentNewPermission,
    }),
  )
  .openapi(deletePermissionRoute, async (c) => {
    await deletePermission(c.get("ctx"), c.req.valid("param").name);
    return c.body(null, 204);
  });
