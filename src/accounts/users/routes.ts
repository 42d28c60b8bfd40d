import type { Context as HonoContext } from "hono";
import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { ownOr, permission } from "../../access/rule.ts";
import { targetUser } from "../../access/target.ts";
import type { AppEnv } from "../../http/app-env.ts";
import {
  IfMatch,
  IfNoneMatch,
  isNotModified,
  parseIfMatch,
  setValidator,
} from "../../http/etag.ts";
import { presentPage } from "../../http/pagination.ts";
import type { ChangeTarget } from "./change.ts";
import { createUser } from "./create.ts";
import { deleteUser } from "./delete.ts";
import { editUser } from "./edit.ts";
import { getUser, getUserPage } from "./get.ts";
import { restoreUser } from "./restore.ts";
import {
  AssignRole,
  CreateUser,
  GetUserQuery,
  ListUsersQuery,
  presentUser,
  ReplaceUser,
  UpdateUser,
  User,
  UserId,
  UserPage,
} from "./schema.ts";

const tags = ["Users"];

const createUserRoute = operation({
  method: "post",
  path: "/v1/users",
  operationId: "createUser",
  tags,
  summary: "Create a user",
  description:
    "A role other than `user` also needs roles:assign, and nothing above your own permissions.",
  access: permission("users:create"),
  request: { body: jsonBody(CreateUser) },
  responses: { 201: jsonContent(User, "The user.", ["Location", "ETag"]) },
  errors: ["email_taken", "username_taken", "edit_conflict", "privilege_escalation"],
});

const listUsersRoute = operation({
  method: "get",
  path: "/v1/users",
  operationId: "listUsers",
  tags,
  summary: "List users",
  description: "The newest first. Walk on with `cursor`.",
  access: permission("users:read"),
  request: { query: ListUsersQuery },
  responses: { 200: jsonContent(UserPage, "A page of users.") },
  errors: [],
});

const getUserRoute = operation({
  method: "get",
  path: "/v1/users/{id}",
  operationId: "getUser",
  tags,
  summary: "Read a user",
  description: "Answers 304 when `If-None-Match` names the version that you have.",
  access: ownOr("users:read"),
  parameters: [IfNoneMatch],
  request: { params: UserId, query: GetUserQuery },
  responses: {
    200: jsonContent(User, "The user.", ["ETag"]),
    304: { description: "You have this version already." },
  },
  errors: ["user_not_found"],
});

const EDIT_ERRORS = [
  "user_not_found",
  "email_taken",
  "username_taken",
  "last_admin",
  "edit_conflict",
  "version_conflict",
  "privilege_escalation",
] as const;

const EDIT_DESCRIPTION =
  "On yourself: username and names. Others need users:update, a changed role roles:assign. " +
  "Nobody changes a user who holds more than they do. With `If-Match`, a stale version changes nothing.";

const replaceUserRoute = operation({
  method: "put",
  path: "/v1/users/{id}",
  operationId: "replaceUser",
  tags,
  summary: "Replace a user",
  description: EDIT_DESCRIPTION,
  access: ownOr("users:update"),
  parameters: [IfMatch],
  request: { params: UserId, body: jsonBody(ReplaceUser) },
  responses: { 200: jsonContent(User, "The user.", ["ETag"]) },
  errors: EDIT_ERRORS,
});

const updateUserRoute = operation({
  method: "patch",
  path: "/v1/users/{id}",
  operationId: "updateUser",
  tags,
  summary: "Change some fields of a user",
  description: EDIT_DESCRIPTION,
  access: ownOr("users:update"),
  parameters: [IfMatch],
  request: { params: UserId, body: jsonBody(UpdateUser) },
  responses: { 200: jsonContent(User, "The user.", ["ETag"]) },
  errors: EDIT_ERRORS,
});

const deleteUserRoute = operation({
  method: "delete",
  path: "/v1/users/{id}",
  operationId: "deleteUser",
  tags,
  summary: "Delete a user softly",
  description: "Ends their sessions and frees their email and username. They can be restored.",
  access: ownOr("users:delete"),
  parameters: [IfMatch],
  request: { params: UserId },
  responses: { 204: { description: "Deleted." } },
  errors: [
    "user_not_found",
    "last_admin",
    "edit_conflict",
    "version_conflict",
    "privilege_escalation",
  ],
});

const restoreUserRoute = operation({
  method: "post",
  path: "/v1/users/{id}/restore",
  operationId: "restoreUser",
  tags,
  summary: "Restore a deleted user",
  description: "One that is not deleted stays as it is.",
  access: permission("users:delete"),
  parameters: [IfMatch],
  request: { params: UserId },
  responses: { 200: jsonContent(User, "The user.", ["ETag"]) },
  errors: [
    "user_not_found",
    "email_taken",
    "username_taken",
    "edit_conflict",
    "version_conflict",
    "privilege_escalation",
  ],
});

const assignRoleRoute = operation({
  method: "put",
  path: "/v1/users/{id}/role",
  operationId: "assignRole",
  tags,
  summary: "Give a user a role",
  description: "Their sessions end: they log in again with the new role.",
  access: permission("roles:assign"),
  parameters: [IfMatch],
  request: { params: UserId, body: jsonBody(AssignRole) },
  responses: { 200: jsonContent(User, "The user.", ["ETag"]) },
  errors: [
    "user_not_found",
    "last_admin",
    "edit_conflict",
    "version_conflict",
    "privilege_escalation",
  ],
});

function target(c: HonoContext<AppEnv>): ChangeTarget {
  return { user: targetUser(c), ifMatch: parseIfMatch(c.req.header("If-Match")) };
}

export const usersRouter = createRouter()
  .openapi(createUserRoute, async (c) => {
    const user = await createUser(c.get("ctx"), c.req.valid("json"));
    setValidator(c, user);
    c.header("Location", `/v1/users/${user.id}`);
    return c.json(presentUser(user), 201);
  })
  .openapi(listUsersRoute, async (c) => {
    const query = c.req.valid("query");
    return c.json(
      presentPage(await getUserPage(c.get("ctx"), query), query.limit, presentUser),
      200,
    );
  })
  .openapi(getUserRoute, async (c) => {
    const deleted = c.req.valid("query").deleted ?? false;
    const user = await getUser(c.get("ctx"), { user: targetUser(c), deleted });
    setValidator(c, user);
    if (isNotModified(c.req.header("If-None-Match"), user)) return c.body(null, 304);
    return c.json(presentUser(user), 200);
  })
  .openapi(replaceUserRoute, async (c) => {
    const user = await editUser(c.get("ctx"), target(c), c.req.valid("json"));
    setValidator(c, user);
    return c.json(presentUser(user), 200);
  })
  .openapi(updateUserRoute, async (c) => {
    const user = await editUser(c.get("ctx"), target(c), c.req.valid("json"));
    setValidator(c, user);
    return c.json(presentUser(user), 200);
  })
  .openapi(deleteUserRoute, async (c) => {
    await deleteUser(c.get("ctx"), target(c));
    return c.body(null, 204);
  })
  .openapi(restoreUserRoute, async (c) => {
    const user = await restoreUser(c.get("ctx"), target(c));
    setValidator(c, user);
    return c.json(presentUser(user), 200);
  })
  .openapi(assignRoleRoute, async (c) => {
    const user = await editUser(c.get("ctx"), target(c), c.req.valid("json"));
    setValidator(c, user);
    return c.json(presentUser(user), 200);
  });
