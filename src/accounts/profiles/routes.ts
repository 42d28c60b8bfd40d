import type { Context as HonoContext } from "hono";
import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { openToKeys, ownOr } from "../../access/rule.ts";
import { targetUser } from "../../access/target.ts";
import type { AppEnv } from "../../http/app-env.ts";
import {
  IfMatch,
  IfNoneMatch,
  isNotModified,
  parseIfMatch,
  setValidator,
} from "../../http/etag.ts";
import { editProfile, planEdit } from "./change.ts";
import { getProfile } from "./get.ts";
import { Profile, ProfileParams, presentProfile, ReplaceProfile, UpdateProfile } from "./schema.ts";

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
  summary: "Get a profile",
  description:
    "Every field is empty until the profile is first written. Returns 304 if `If-None-Match` matches the current version.",
  access: openToKeys("me:read", ownOr("users:read")),
  mayLag: true,
  parameters: [IfNoneMatch],
  request: { params: ProfileParams },
  responses: {
    200: jsonContent(Profile, "The profile.", ["ETag"]),
    304: { description: "The profile has not changed." },
  },
  errors: ["user_not_found"],
});

const replaceProfileRoute = operation({
  method: "put",
  path: "/v1/users/{id}/profile",
  operationId: "replaceProfile",
  tags,
  summary: "Replace a profile",
  description: "Omitted fields are cleared.",
  access: openToKeys("me:write", ownOr("users:update")),
  parameters: [IfMatch],
  request: { params: ProfileParams, body: jsonBody(ReplaceProfile) },
  responses: { 200: jsonContent(Profile, "The new profile.", ["ETag"]) },
  errors: EDIT_ERRORS,
});

const updateProfileRoute = operation({
  method: "patch",
  path: "/v1/users/{id}/profile",
  operationId: "updateProfile",
  tags,
  summary: "Update a profile",
  description: "Omitted fields keep their value.",
  access: openToKeys("me:write", ownOr("users:update")),
  parameters: [IfMatch],
  request: { params: ProfileParams, body: jsonBody(UpdateProfile) },
  check: (c, input: UpdateProfile) =>
    planEdit(c.get("ctx"), { user: targetUser(c), ifMatch: undefined }, { mode: "merge", input }),
  responses: { 200: jsonContent(Profile, "The updated profile.", ["ETag"]) },
  errors: EDIT_ERRORS,
});

function target(c: HonoContext<AppEnv>) {
  return { user: targetUser(c), ifMatch: parseIfMatch(c.req.header("If-Match")) };
}

export const profilesRouter = createRouter()
  .openapi(getProfileRoute, async (c) => {
    const profile = await getProfile(c.get("ctx"), targetUser(c));
    setValidator(c, profile);
    if (isNotModified(c.req.header("If-None-Match"), profile)) return c.body(null, 304);
    return c.json(presentProfile(profile), 200);
  })
  .openapi(replaceProfileRoute, async (c) => {
    const edit = { mode: "replace", input: c.req.valid("json") } as const;
    const profile = await editProfile(c.get("ctx"), target(c), edit);
    setValidator(c, profile);
    return c.json(presentProfile(profile), 200);
  })
  .openapi(updateProfileRoute, async (c) => {
    const edit = { mode: "merge", input: c.req.valid("json") } as const;
    const profile = await editProfile(c.get("ctx"), target(c), edit);
    setValidator(c, profile);
    return c.json(presentProfile(profile), 200);
  });
