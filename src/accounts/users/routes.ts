import type { Context as HonoContext } from "hono";
import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { deletedNeeds, openToKeys, ownOr, permission, personal } from "../../access/rule.ts";
import { targetUser } from "../../access/target.ts";
import type { AppEnv } from "../../http/app-env.ts";
import {
  IfMatch,
  IfNoneMatch,
  isNotModified,
  parseIfMatch,
  setValidator,
} from "../../http/etag.ts";
import { IdempotencyKey } from "../../http/idempotency-key.ts";
import { presentPage } from "../../http/pagination.ts";
import { answerOnce } from "../../idempotency/answer-once.ts";
import type { ChangeTarget } from "./change.ts";
import { checkNewUser, createUser } from "./create.ts";
import { deleteUser } from "./delete.ts";
import { checkEdit, editUser } from "./edit.ts";
import { getUser } from "./get.ts";
import { getUserPage } from "./list.ts";
import { restoreUser } from "./restore.ts";
import {
  AssignRole,
  CreateUser,
  type EditUser,
  GetUserQuery,
  ListUsersQuery,
  presentNewUser,
  presentUser,
  ReplaceUser,
  UpdateUser,
  User,
  UserPage,
  UserParams,
} from "./schema.ts";

const tags = ["Users"];

const createUserRoute = operation({
  method: "post",
  path: "/v1/users",
  operationId: "createUser",
  tags,
  summary: "Create a user",
  description:
    "Without `password`, the person gets an email with a link to choose one. Until then, they can log in only in a way that proves the " +
    "address, such as a link by email. A role other than `user` also needs roles:assign. You must hold every permission that the role " +
    "grants. An API key can only create users whose role grants no permission.",
  access: permission("users:create"),
  stepUp: "if `role` is not `user`",
  parameters: [IdempotencyKey],
  request: { body: jsonBody(CreateUser) },
  check: (c, body: Partial<CreateUser>) => checkNewUser(c.get("ctx"), body),
  responses: { 201: jsonContent(User, "The new user.", ["Location", "ETag"]) },
  errors: [
    "email_taken",
    "username_taken",
    "edit_conflict",
    "privilege_escalation",
    "mail_not_configured",
  ],
});

const listUsersRoute = operation({
  method: "get",
  path: "/v1/users",
  operationId: "listUsers",
  tags,
  summary: "List users",
  description:
    "Lists the newest users first, or in the order of `sort`. Filters can be combined with each other, and with `sort` or `q`.",
  access: permission("users:read"),
  queryNeeds: deletedNeeds("users:delete"),
  request: { query: ListUsersQuery },
  responses: { 200: jsonContent(UserPage, "A page of users.") },
  errors: [],
});

const getUserRoute = operation({
  method: "get",
  path: "/v1/users/{id}",
  operationId: "getUser",
  tags,
  summary: "Retrieve a user",
  description: "Returns 304 if `If-None-Match` matches the current version.",
  access: openToKeys("me:read", ownOr("users:read")),
  queryNeeds: deletedNeeds("users:delete"),
  mayLag: true,
  parameters: [IfNoneMatch],
  request: { params: UserParams, query: GetUserQuery },
  responses: {
    200: jsonContent(User, "The user.", ["ETag"]),
    304: { description: "The user has not changed." },
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
  "You can change your own username and names. Changing other users, or `is_active`, needs users:update; changing their email needs " +
  "credentials:manage, and ends their sessions; changing the role needs roles:assign. You must hold every permission that the user holds. " +
  "An API key with the scope `me:write` can change its owner's names. API keys cannot change emails or roles.";

const EDIT_STEP_UP = "if it changes the username, the role or another user's email";

const replaceUserRoute = operation({
  method: "put",
  path: "/v1/users/{id}",
  operationId: "replaceUser",
  tags,
  summary: "Replace a user",
  description:
    `Takes what GET returns: fields that cannot be changed are ignored if they have their current value, and are 422 \`read_only\` ` +
    `otherwise. ${EDIT_DESCRIPTION}`,
  access: openToKeys("me:write", ownOr("users:update")),
  stepUp: EDIT_STEP_UP,
  parameters: [IfMatch],
  request: { params: UserParams, body: jsonBody(ReplaceUser) },
  check: (c, body: EditUser) => checkEdit(c.get("ctx"), targetUser(c), body),
  responses: { 200: jsonContent(User, "The new version of the user.", ["ETag"]) },
  errors: EDIT_ERRORS,
});

const updateUserRoute = operation({
  method: "patch",
  path: "/v1/users/{id}",
  operationId: "updateUser",
  tags,
  summary: "Update a user",
  description: `Absent fields keep their value. ${EDIT_DESCRIPTION}`,
  access: openToKeys("me:write", ownOr("users:update")),
  stepUp: EDIT_STEP_UP,
  parameters: [IfMatch],
  request: { params: UserParams, body: jsonBody(UpdateUser) },
  check: (c, body: EditUser) => checkEdit(c.get("ctx"), targetUser(c), body),
  responses: { 200: jsonContent(User, "The updated user.", ["ETag"]) },
  errors: EDIT_ERRORS,
});

const deleteUserRoute = operation({
  method: "delete",
  path: "/v1/users/{id}",
  operationId: "deleteUser",
  tags,
  summary: "Delete a user",
  description:
    "Ends the user's sessions, revokes their API keys, and makes their email and username available. The user can be restored " +
    "until the retention period is over.",
  access: ownOr("users:delete"),
  stepUp: true,
  parameters: [IfMatch],
  request: { params: UserParams },
  responses: { 204: { description: "The user was deleted." } },
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
  description: "A user who is not deleted stays unchanged.",
  access: permission("users:delete"),
  parameters: [IfMatch],
  request: { params: UserParams },
  responses: { 200: jsonContent(User, "The restored user.", ["ETag"]) },
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
  summary: "Assign a role to a user",
  description: "Ends the user's sessions, so that they log in again with the new role.",
  access: personal(permission("roles:assign")),
  stepUp: true,
  parameters: [IfMatch],
  request: { params: UserParams, body: jsonBody(AssignRole) },
  check: (c, body: EditUser) => checkEdit(c.get("ctx"), targetUser(c), body),
  responses: { 200: jsonContent(User, "The user with the new role.", ["ETag"]) },
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
  .openapi(createUserRoute, (c) =>
    answerOnce(c, {
      run: (ctx, keep) => createUser(ctx, c.req.valid("json"), keep),
      present: presentNewUser,
    }),
  )
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
