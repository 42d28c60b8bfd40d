import { createRouter, jsonContent, operation } from "../../access/operation.ts";
import { deletedNeeds, ownOr, permission, personal } from "../../access/rule.ts";
import { targetPerson, targetUser } from "../../access/target.ts";
import { IfMatch, parseIfMatch } from "../../http/etag.ts";
import { streamJson } from "../../http/json-stream.ts";
import { UserParams } from "../users/schema.ts";
import { eraseUser } from "./erase.ts";
import { exportUser } from "./export.ts";
import { ExportQuery, presentExport, UserExport } from "./schema.ts";

const tags = ["Users"];

const eraseRoute = operation({
  method: "post",
  path: "/v1/users/{id}/erase",
  operationId: "eraseUser",
  tags,
  summary: "Erase a user permanently",
  description:
    "Erases all personal data of a user, deleted or not. This cannot be undone. Audit events remain, but the personal data in them can no longer be read.",
  access: personal(permission("users:erase")),
  stepUp: true,
  parameters: [IfMatch],
  request: { params: UserParams },
  responses: { 204: { description: "The user was erased." } },
  errors: [
    "user_not_found",
    "last_admin",
    "edit_conflict",
    "version_conflict",
    "privilege_escalation",
  ],
});

const exportRoute = operation({
  method: "get",
  path: "/v1/users/{id}/export",
  operationId: "exportUser",
  tags,
  summary: "Export a user's data",
  description:
    "Returns all data held on a user: account, profile, sessions, API keys, second factors, linked identities, emails, one-time tokens, login attempts, activity days and audit events, and how many recovery codes, devices and networks there are. Secrets and personal data of others are left out. It is recorded as `user.exported`. The document is streamed. If it cannot be completed, for example because the caller's session ends meanwhile, the transfer breaks off before the closing brace: what does not parse as JSON is incomplete. Discard it and try again.",
  access: ownOr("users:export"),
  queryNeeds: deletedNeeds("users:export"),
  stepUp: true,
  request: { params: UserParams, query: ExportQuery },
  responses: { 200: jsonContent(UserExport, "All data held on the user.") },
  errors: ["user_not_found", "privilege_escalation"],
});

export const userLifecycleRouter = createRouter()
  .openapi(eraseRoute, async (c) => {
    const ifMatch = parseIfMatch(c.req.header("If-Match"));
    await eraseUser(c.get("ctx"), { userId: targetPerson(c), ifMatch });
    return c.body(null, 204);
  })
  .openapi(exportRoute, async (c) => {
    const { deleted = false } = c.req.valid("query");
    const data = await exportUser(c.get("ctx"), { user: targetUser(c), deleted });
    return streamJson<UserExport>(c, presentExport(data));
  });
