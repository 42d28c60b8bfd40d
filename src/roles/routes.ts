import { createRouter, jsonBody, jsonContent, operation } from "../access/operation.ts";
import { permission, personal } from "../access/rule.ts";
import { IfMatch, IfNoneMatch, isNotModified, parseIfMatch, setValidator } from "../http/etag.ts";
import { IdempotencyKey } from "../http/idempotency-key.ts";
import { presentPage } from "../http/pagination.ts";
import { answerOnce } from "../idempotency/answer-once.ts";
import { checkPermissions, createRole } from "./create.ts";
import { deleteRole } from "./delete.ts";
import { getRole, getRolePage } from "./list.ts";
import { checkReplacement, replaceRole } from "./replace.ts";
import {
  CreateRole,
  ListQuery,
  presentNewRole,
  presentRole,
  ReplaceRole,
  Role,
  RolePage,
  RoleParams,
  toVersioned,
} from "./schema.ts";

const tags = ["Roles"];

const listRolesRoute = operation({
  method: "get",
  path: "/v1/roles",
  operationId: "listRoles",
  tags,
  summary: "List roles",
  description: "Lists the roles of Roster itself and your own, by name.",
  access: permission("roles:read"),
  request: { query: ListQuery },
  responses: { 200: jsonContent(RolePage, "A page of roles, by name.") },
  errors: [],
});

const getRoleRoute = operation({
  method: "get",
  path: "/v1/roles/{name}",
  operationId: "getRole",
  tags,
  summary: "Retrieve a role",
  description: "Returns 304 if `If-None-Match` matches the current version.",
  access: permission("roles:read"),
  parameters: [IfNoneMatch],
  request: { params: RoleParams },
  responses: {
    200: jsonContent(Role, "The role.", ["ETag"]),
    304: { description: "The role has not changed." },
  },
  errors: ["role_not_found"],
});

const createRoleRoute = operation({
  method: "post",
  path: "/v1/roles",
  operationId: "createRole",
  tags,
  summary: "Create a role",
  description: "You can only include permissions that you hold yourself.",
  access: personal(permission("roles:write")),
  parameters: [IdempotencyKey],
  request: { body: jsonBody(CreateRole) },
  check: (c, body: Partial<CreateRole>) => checkPermissions(c.get("ctx"), body),
  responses: { 201: jsonContent(Role, "The new role.", ["Location", "ETag"]) },
  errors: ["role_exists", "edit_conflict", "privilege_escalation"],
});

const replaceRoleRoute = operation({
  method: "put",
  path: "/v1/roles/{name}",
  operationId: "replaceRole",
  tags,
  summary: "Replace a role",
  description:
    "Replaces the description, the permissions and `require_mfa`. You must hold every permission that the role grants before and after. " +
    "Of a system role, only `require_mfa` can be changed. When a role starts to require a second factor, the sessions of its holders " +
    "without one end. Their next login only lets them set one up: yours, too, if you hold the role. " +
    "The change of permissions applies from the next request on; the `scope` of access tokens changes at the next refresh.",
  access: personal(permission("roles:write")),
  stepUp: "if it adds a permission or no longer requires a second factor",
  parameters: [IfMatch],
  request: { params: RoleParams, body: jsonBody(ReplaceRole) },
  check: (c, body: Partial<ReplaceRole>) =>
    checkReplacement(c.get("ctx"), { name: c.req.param("name") ?? "", ifMatch: undefined }, body),
  responses: { 200: jsonContent(Role, "The updated role.", ["ETag"]) },
  errors: [
    "role_not_found",
    "system_role",
    "edit_conflict",
    "version_conflict",
    "privilege_escalation",
  ],
});

const deleteRoleRoute = operation({
  method: "delete",
  path: "/v1/roles/{name}",
  operationId: "deleteRole",
  tags,
  summary: "Delete a role",
  description:
    "A role that a user still has cannot be deleted. Deleted users who have it get the role `user`. You must hold every permission that it grants.",
  access: personal(permission("roles:write")),
  stepUp: true,
  parameters: [IfMatch],
  request: { params: RoleParams },
  responses: { 204: { description: "The role was deleted." } },
  errors: [
    "role_not_found",
    "system_role",
    "role_in_use",
    "edit_conflict",
    "version_conflict",
    "privilege_escalation",
  ],
});

export const rolesRouter = createRouter()
  .openapi(listRolesRoute, async (c) => {
    const query = c.req.valid("query");
    const page = await getRolePage(c.get("ctx"), query);
    return c.json(presentPage(page, query.limit, presentRole), 200);
  })
  .openapi(getRoleRoute, async (c) => {
    const role = await getRole(c.get("ctx"), c.req.valid("param").name);
    const current = toVersioned(role);
    setValidator(c, current);
    if (isNotModified(c.req.header("If-None-Match"), current)) return c.body(null, 304);
    return c.json(presentRole(role), 200);
  })
  .openapi(createRoleRoute, (c) =>
    answerOnce(c, {
      run: (ctx, keep) => createRole(ctx, c.req.valid("json"), keep),
      present: presentNewRole,
    }),
  )
  .openapi(replaceRoleRoute, async (c) => {
    const ifMatch = parseIfMatch(c.req.header("If-Match"));
    const target = { ...c.req.valid("param"), ifMatch };
    const role = await replaceRole(c.get("ctx"), target, c.req.valid("json"));
    setValidator(c, toVersioned(role));
    return c.json(presentRole(role), 200);
  })
  .openapi(deleteRoleRoute, async (c) => {
    const ifMatch = parseIfMatch(c.req.header("If-Match"));
    await deleteRole(c.get("ctx"), { ...c.req.valid("param"), ifMatch });
    return c.body(null, 204);
  });
