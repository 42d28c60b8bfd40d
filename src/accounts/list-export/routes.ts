import { createRouter, linesContent, operation } from "../../access/operation.ts";
import { deletedNeeds, permission } from "../../access/rule.ts";
import { streamLines } from "../../http/json-stream.ts";
import { mapPages } from "../../lib/json-stream.ts";
import { ExportUsersQuery, presentUser, User } from "../users/schema.ts";
import { exportUsers } from "./export.ts";

const exportRoute = operation({
  method: "get",
  path: "/v1/users/export",
  operationId: "exportUsers",
  tags: ["Users"],
  summary: "Export the list of users",
  description:
    "Streams all users whom the filters of the list select, in its order, as newline-delimited JSON: one user per line, as GET returns " +
    "them. The export is recorded in the audit trail. If it cannot be completed, for example because the caller's session ends meanwhile, " +
    "the transfer breaks off within a line: discard what does not end with a line feed, and try again.",
  access: permission("users:export"),
  queryNeeds: deletedNeeds("users:delete"),
  stepUp: true,
  request: { query: ExportUsersQuery },
  responses: { 200: linesContent(User, "The users, one per line.") },
  errors: [],
});

export const listExportRouter = createRouter().openapi(exportRoute, async (c) => {
  const pages = await exportUsers(c.get("ctx"), c.req.valid("query"));
  // Hono's types know no response of this content type.
  return streamLines(c, mapPages(pages, presentUser)) as never;
});
