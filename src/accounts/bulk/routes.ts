import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { byAction } from "../../access/rule.ts";
import { changeUsers, checkBulk } from "./change-users.ts";
import { BulkResult, BulkUsers } from "./schema.ts";

const bulkRoute = operation({
  method: "post",
  path: "/v1/users/bulk",
  operationId: "changeUsers",
  tags: ["Users"],
  summary: "Change many users",
  description:
    "Activates, deactivates or deletes up to 100 users, or assigns them a role. The changes are made in one transaction. Users whom another " +
    "request changes at the same moment are tried again, in up to four further ones. The rules are those of the operations on a single user: `activate` and `deactivate` need users:update, `delete` needs users:delete, and `set_role` needs roles:assign and " +
    "refuses API keys. Each id has its own result: `refused` with the `code` that the single operation would have returned, such as " +
    "`user_not_found`, `privilege_escalation` or `last_admin`. Your own account is changed last.",
  access: byAction("users:update", "users:delete", "roles:assign"),
  stepUp: "to delete users or set their role",
  request: { body: jsonBody(BulkUsers) },
  check: (c, body: Partial<BulkUsers>) => checkBulk(c.get("ctx"), body),
  responses: { 200: jsonContent(BulkResult, "A result per user.") },
  errors: [],
});

export const bulkRouter = createRouter().openapi(bulkRoute, async (c) => {
  const data = await changeUsers(c.get("ctx"), c.req.valid("json"));
  return c.json({ data }, 200);
});
