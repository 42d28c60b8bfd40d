import { createRouter, jsonContent, operation, optionalJsonBody } from "../../access/operation.ts";
import { everyone, own, ownOr, personal } from "../../access/rule.ts";
import { callingUser, targetPerson, targetUser } from "../../access/target.ts";
import { PageQuery, presentPage } from "../../http/pagination.ts";
import { toHeaders } from "../../http/response-headers.ts";
import { endOwnSessions, endSessionsOfUser, logOut } from "./end.ts";
import { getSessionPage } from "./list.ts";
import { answerRefresh, clearRefreshCookie, requireRefreshCookie } from "./refresh-cookie.ts";
import {
  OwnSessionParams,
  presentSession,
  Refresh,
  SessionPage,
  Tokens,
  UserSessionParams,
  UserSessionsParams,
} from "./schema.ts";

const OWN = ["Authentication"];
const OF_USERS = ["Users"];

const refreshRoute = operation({
  method: "post",
  path: "/v1/auth/refresh",
  operationId: "refresh",
  tags: OWN,
  summary: "Exchange a refresh token for new tokens",
  description:
    "A refresh token works once. A retry within 30 seconds returns the same new refresh token; after that, reusing the old one ends the " +
    "session. Pages of Roster itself that stay signed in send no body: then the token in the cookie counts, the new one replaces it there, " +
    "and a cookie that is refused is removed. With a body, the cookie is ignored.",
  access: everyone,
  rateLimitPolicy: "refresh",
  takesCookie: "refreshCookie",
  request: { body: optionalJsonBody(Refresh) },
  check: async (c) => {
    if (c.get("isBodyLeftOut")) requireRefreshCookie(c);
  },
  responses: {
    200: jsonContent(Tokens, "New tokens for the same session.", ["Set-Cookie"]),
  },
  errors: ["invalid_refresh_token", "origin_not_allowed"],
});

const logoutRoute = operation({
  method: "post",
  path: "/v1/auth/logout",
  operationId: "logOut",
  tags: OWN,
  summary: "Log out",
  description:
    "Ends the session of the access token, and removes the cookie of a browser that stays signed in.",
  access: own,
  responses: {
    204: {
      description: "The session has ended. Its tokens are no longer valid.",
      headers: toHeaders(["Set-Cookie"]),
    },
  },
  errors: [],
});

const listOwnRoute = operation({
  method: "get",
  path: "/v1/auth/sessions",
  operationId: "listOwnSessions",
  tags: OWN,
  summary: "List your live sessions",
  description: "Lists the newest sessions first.",
  access: own,
  mayLag: true,
  request: { query: PageQuery },
  responses: { 200: jsonContent(SessionPage, "A page of sessions.") },
  errors: [],
});

const endOthersRoute = operation({
  method: "delete",
  path: "/v1/auth/sessions",
  operationId: "endOtherSessions",
  tags: OWN,
  summary: "End all your other sessions",
  description: "Ends all your sessions except the one of the access token.",
  access: own,
  responses: { 204: { description: "The other sessions have ended." } },
  errors: [],
});

const endOwnRoute = operation({
  method: "delete",
  path: "/v1/auth/sessions/{id}",
  operationId: "endOwnSession",
  tags: OWN,
  summary: "End one of your sessions",
  description: "Its tokens are no longer valid. The session of the access token can be ended, too.",
  access: own,
  request: { params: OwnSessionParams },
  responses: { 204: { description: "The session has ended." } },
  errors: ["session_not_found"],
});

const listOfUserRoute = operation({
  method: "get",
  path: "/v1/users/{id}/sessions",
  operationId: "listUserSessions",
  tags: OF_USERS,
  summary: "List a user's live sessions",
  description: "You must hold every permission that the user holds.",
  access: ownOr("sessions:read"),
  request: { params: UserSessionsParams, query: PageQuery },
  responses: { 200: jsonContent(SessionPage, "A page of sessions, the newest first.") },
  errors: ["user_not_found", "privilege_escalation"],
});

const endAllOfUserRoute = operation({
  method: "delete",
  path: "/v1/users/{id}/sessions",
  operationId: "endUserSessions",
  tags: OF_USERS,
  summary: "End all of a user's sessions",
  description: "If you are that user, your current session ends, too.",
  access: personal(ownOr("sessions:revoke")),
  request: { params: UserSessionsParams },
  responses: { 204: { description: "The sessions have ended." } },
  errors: ["user_not_found", "privilege_escalation"],
});

const endOfUserRoute = operation({
  method: "delete",
  path: "/v1/users/{id}/sessions/{session_id}",
  operationId: "endUserSession",
  tags: OF_USERS,
  summary: "End one of a user's sessions",
  description:
    "You must hold every permission that the user holds. If it is your current session, you are logged out.",
  access: personal(ownOr("sessions:revoke")),
  request: { params: UserSessionParams },
  responses: { 204: { description: "The session has ended." } },
  errors: ["user_not_found", "session_not_found", "privilege_escalation"],
});

export const sessionsRouter = createRouter()
  .openapi(refreshRoute, async (c) => c.json(await answerRefresh(c, c.req.valid("json")), 200))
  .openapi(logoutRoute, async (c) => {
    await logOut(c.get("ctx"));
    clearRefreshCookie(c);
    return c.body(null, 204);
  })
  .openapi(listOwnRoute, async (c) => {
    const query = c.req.valid("query");
    const { page, currentId } = await getSessionPage(c.get("ctx"), callingUser(c), query);
    return c.json(presentPage(page, query.limit, presentSession(currentId)), 200);
  })
  .openapi(endOthersRoute, async (c) => {
    await endOwnSessions(c.get("ctx"), "others");
    return c.body(null, 204);
  })
  .openapi(endOwnRoute, async (c) => {
    await endOwnSessions(c.get("ctx"), c.req.valid("param").id);
    return c.body(null, 204);
  })
  .openapi(listOfUserRoute, async (c) => {
    const query = c.req.valid("query");
    const { page, currentId } = await getSessionPage(c.get("ctx"), targetUser(c), query);
    return c.json(presentPage(page, query.limit, presentSession(currentId)), 200);
  })
  .openapi(endAllOfUserRoute, async (c) => {
    await endSessionsOfUser(c.get("ctx"), targetPerson(c));
    return c.body(null, 204);
  })
  .openapi(endOfUserRoute, async (c) => {
    await endSessionsOfUser(c.get("ctx"), targetPerson(c), c.req.valid("param").session_id);
    return c.body(null, 204);
  });
