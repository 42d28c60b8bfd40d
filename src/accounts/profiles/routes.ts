import type { Context as HonoContext } from "hono";
import { ownOr } from "../../access/guard.ts";
import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { currentPrincipal, targetId } from "../../access/target.ts";
import type { AppEnv } from "../../http/app-env.ts";
import {
  IfMatch,
  IfNoneMatch,
  isNotModified,
  parseIfMatch,
  setValidator,
} from "../../http/etag.ts";
import { editProfile, getProfile } from "./change.ts";
import { presentProfile } from "./present.ts";
import { Profile, ProfileParams, ReplaceProfile, UpdateProfile } from "./schema.ts";

const tags = ["Profiles"];
const EDIT_ERRORS = [
  "user_not_found",
  "edit_conflict",
  "version_conflict",
  "privilege_escalation",
] as const;

const getProfileRoute = operation({
  method: "get",
  path: "/v1/users/{id}/profile",
  operationId: "getProfile",
  tags,
  summary: "Read a profile",
  description:
    "Empty until somebody writes it. Answers 304 when `If-None-Match` names the version that you have.",
  access: ownOr("users:read"),
  request: { params: ProfileParams, headers: IfNoneMatch },
  responses: {
    200: jsonContent(Profile, "The profile.", ["ETag"]),
    304: { description: "You have this version already." },
  },
  errors: ["user_not_found"],
});

const replaceProfileRoute = operation({
  method: "put",
  path: "/v1/users/{id}/profile",
  operationId: "replaceProfile",
  tags,
  summary: "Replace a profile",
  access: ownOr("users:update"),
  request: { params: ProfileParams, headers: IfMatch, body: jsonBody(ReplaceProfile) },
  responses: { 200: jsonContent(Profile, "The profile.", ["ETag"]) },
  errors: EDIT_ERRORS,
});

const updateProfileRoute = operation({
  method: "patch",
  path: "/v1/users/{id}/profile",
  operationId: "updateProfile",
  tags,
  summary: "Change parts of a profile",
  access: ownOr("users:update"),
  request: { params: ProfileParams, headers: IfMatch, body: jsonBody(UpdateProfile) },
  responses: { 200: jsonContent(Profile, "The profile.", ["ETag"]) },
  errors: EDIT_ERRORS,
});

export const profilesRouter = createRouter()
  .openapi(getProfileRoute, async (c) => {
    const { values, version } = await getProfile(c.var.ctx, targetId(c));
    setValidator(c, { id: targetId(c), version });
    if (isNotModified(c.req.header("If-None-Match"), { id: targetId(c), version }))
      return c.body(null, 304);
    return c.json(presentProfile(values), 200);
  })
  .openapi(replaceProfileRoute, async (c) => {
    const edit = { ...target(c), mode: "replace", input: c.req.valid("json") } as const;
    const { values, version } = await editProfile(c.var.ctx, currentPrincipal(c), edit);
    setValidator(c, { id: targetId(c), version });
    return c.json(presentProfile(values), 200);
  })
  .openapi(updateProfileRoute, async (c) => {
    const edit = { ...target(c), mode: "merge", input: c.req.valid("json") } as const;
    const { values, version } = await editProfile(c.var.ctx, currentPrincipal(c), edit);
    setValidator(c, { id: targetId(c), version });
    return c.json(presentProfile(values), 200);
  });

function target(c: HonoContext<AppEnv>) {
  return { userId: targetId(c), ifMatch: parseIfMatch(c.req.header("If-Match")) };
}
