import { permission } from "../access/guard.ts";
import { createRouter, jsonBody, jsonContent, operation } from "../access/operation.ts";
import { currentPrincipal } from "../access/target.ts";
import { presentPage } from "../http/pagination.ts";
import {
  CreateRole,
  ListQuery,
  PermissionPage,
  presentRole,
  ReplaceRole,
  Role,
  RolePage,
  RoleParams,
} from "./schema.ts";
import {
  createRole,
  deleteRole,
  getPermissionPage,
  getRole,
  getRolePage,
  replaceRole,
} from "./service.ts";

const tags = ["Roles"];

const listPermissionsRoute = operation({
  method: "get",
  path: "/v1/permissions",
  operationId: "listPermissions",
  tags,
  summary: "List the permissions that roles are made of",
  access: permission("roles:read"),
  request: { query: ListQuery },
  responses: { 200: jsonContent(PermissionPage, "A page of permissions, by name.") },
  errors: [],
});

const listRolesRoute = operation({
  method: "get",
  path: "/v1/roles",
  operationId: "listRoles",
  tags,
  summary: "List the roles",
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
  summary: "Read a role",
  access: permission("roles:read"),
  request: { params: RoleParams },
  responses: { 200: jsonContent(Role, "The role.") },
  errors: ["role_not_found"],
});

const createRoleRoute = operation({
  method: "post",
  path: "/v1/roles",
  operationId: "createRole",
  tags,
  summary: "Create a role",
  description: "Out of permissions that you hold yourself.",
  access: permission("roles:write"),
  request: { body: jsonBody(CreateRole) },
  responses: { 201: jsonContent(Role, "The role.", ["Location"]) },
  errors: ["role_exists", "privilege_escalation"],
});

const replaceRoleRoute = operation({
  method: "put",
  path: "/v1/roles/{name}",
  operationId: "replaceRole",
  tags,
  summary: "Replace what a role grants",
  description: "It counts for writes at once and for tokens at their next refresh.",
  access: permission("roles:write"),
  request: { params: RoleParams, body: jsonBody(ReplaceRole) },
  responses: { 200: jsonContent(Role, "The role as it is now.") },
  errors: ["role_not_found", "system_role", "edit_conflict", "privilege_escalation"],
});

const deleteRoleRoute = operation({
  method: "delete",
  path: "/v1/roles/{name}",
  operationId: "deleteRole",
  tags,
  summary: "Delete a role that nobody has",
  access: permission("roles:write"),
  request: { params: RoleParams },
  responses: { 204: { description: "Deleted." } },
  errors: ["role_not_found", "system_role", "role_in_use", "edit_conflict", "privilege_escalation"],
});

export const rolesRouter = createRouter()
  .openapi(listPermissionsRoute, async (c) => {
    const query = c.req.valid("query");
    const page = await getPermissionPage(c.var.ctx, query);
    return c.json(
      presentPage(page, query.limit, (item) => item),
      200,
    );
  })
  .openapi(listRolesRoute, async (c) => {
    const query = c.req.valid("query");
    return c.json(presentPage(await getRolePage(c.var.ctx, query), query.limit, presentRole), 200);
  })
  .openapi(getRoleRoute, async (c) => {
    return c.json(presentRole(await getRole(c.var.ctx, c.req.valid("param").name)), 200);
  })
  .openapi(createRoleRoute, async (c) => {
    const role = await createRole(c.var.ctx, currentPrincipal(c), c.req.valid("json"));
    c.header("Location", `/v1/roles/${role.name}`);
    return c.json(presentRole(role), 201);
  })
  .openapi(replaceRoleRoute, async (c) => {
    const { name } = c.req.valid("param");
    const role = await replaceRole(c.var.ctx, currentPrincipal(c), name, c.req.valid("json"));
    return c.json(presentRole(role), 200);
  })
  .openapi(deleteRoleRoute, async (c) => {
    await deleteRole(c.var.ctx, currentPrincipal(c), c.req.valid("param").name);
    return c.body(null, 204);
  });
