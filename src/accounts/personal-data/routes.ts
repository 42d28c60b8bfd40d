import { exactly, ownOr, permission, personal } from "../../access/guard.ts";
import { createRouter, jsonContent, operation } from "../../access/operation.ts";
import { currentPrincipal, targetId } from "../../access/target.ts";
import { UserExport, UserId } from "../users/schema.ts";
import { eraseUser } from "./erase.ts";
import { exportUser } from "./export.ts";

const tags = ["Users"];

const eraseRoute = operation({
  method: "post",
  path: "/v1/users/{id}/erase",
  operationId: "eraseUser",
  tags,
  summary: "Erase a person's data for good",
  description:
    "Deleted or not. Nothing brings them back. The audit trail stays; what was personal in it can no longer be read.",
  access: personal(permission("users:erase")),
  request: { params: UserId },
  responses: { 204: { description: "Gone." } },
  errors: ["user_not_found", "last_admin", "edit_conflict", "privilege_escalation"],
});

const exportRoute = operation({
  method: "get",
  path: "/v1/users/{id}/export",
  operationId: "exportUser",
  tags,
  summary: "Export everything held on a person",
  access: exactly(ownOr("users:export")),
  request: { params: UserId },
  responses: { 200: jsonContent(UserExport, "One document.") },
  errors: ["user_not_found", "privilege_escalation"],
});

export const userLifecycleRouter = createRouter()
  .openapi(eraseRoute, async (c) => {
    await eraseUser(c.var.ctx, currentPrincipal(c), targetId(c));
    return c.body(null, 204);
  })
  .openapi(exportRoute, async (c) => {
    return c.json(await exportUser(c.var.ctx, currentPrincipal(c), targetId(c)), 200);
  });
