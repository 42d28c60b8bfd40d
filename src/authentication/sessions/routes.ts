import { own, ownOr, personal } from "../../access/guard.ts";
import { createRouter, jsonContent, operation } from "../../access/operation.ts";
import { currentPrincipal, currentUser, targetId } from "../../access/target.ts";
import { PageQuery, presentPage } from "../../http/pagination.ts";
import { endSessions, getSessionPage } from "./end.ts";
import {
  OwnSessionId,
  presentSession,
  SessionPage,
  UserSessionId,
  UserSessions,
} from "./schema.ts";

const OWN = ["Authentication"];
const OF_USERS = ["Users"];

const listOwnRoute = operation({
  method: "get",
  path: "/v1/auth/sessions",
  operationId: "listOwnSessions",
  tags: OWN,
  summary: "List your live sessions",
  description: "The newest first.",
  access: own,
  request: { query: PageQuery },
  responses: { 200: jsonContent(SessionPage, "A page of sessions.") },
  errors: [],
});

const endOthersRoute = operation({
  method: "delete",
  path: "/v1/auth/sessions",
  operationId: "endOtherSessions",
  tags: OWN,
  summary: "End all your sessions but this one",
  access: own,
  responses: { 204: { description: "They have ended." } },
  errors: [],
});

const endOwnRoute = operation({
  method: "delete",
  path: "/v1/auth/sessions/{id}",
  operationId: "endOwnSession",
  tags: OWN,
  summary: "End one of your sessions",
  access: own,
  request: { params: OwnSessionId },
  responses: { 204: { description: "It has ended." } },
  errors: ["session_not_found"],
});

const listOfUserRoute = operation({
  method: "get",
  path: "/v1/users/{id}/sessions",
  operationId: "listUserSessions",
  tags: OF_USERS,
  summary: "List a user's live sessions",
  description: "Not of a user who holds more than you do.",
  access: ownOr("sessions:read"),
  request: { params: UserSessions, query: PageQuery },
  responses: { 200: jsonContent(SessionPage, "A page of sessions, the newest first.") },
  errors: ["user_not_found", "privilege_escalation"],
});

const endAllOfUserRoute = operation({
  method: "delete",
  path: "/v1/users/{id}/sessions",
  operationId: "endUserSessions",
  tags: OF_USERS,
  summary: "End all of a user's sessions",
  description: "Your own too, if you are that user.",
  access: personal(ownOr("sessions:revoke")),
  request: { params: UserSessions },
  responses: { 204: { description: "They have ended." } },
  errors: ["user_not_found", "privilege_escalation"],
});

const endOfUserRoute = operation({
  method: "delete",
  path: "/v1/users/{id}/sessions/{session_id}",
  operationId: "endUserSession",
  tags: OF_USERS,
  summary: "End one of a user's sessions",
  access: personal(ownOr("sessions:revoke")),
  request: { params: UserSessionId },
  responses: { 204: { description: "It has ended." } },
  errors: ["user_not_found", "session_not_found", "privilege_escalation"],
});

export const sessionsRouter = createRouter()
  .openapi(listOwnRoute, async (c) => {
    const principal = currentUser(c);
    const query = c.req.valid("query");
    const page = await getSessionPage(c.var.ctx, principal, principal.userId, query);
    return c.json(presentPage(page, query.limit, presentSession(principal.sessionId)), 200);
  })
  .openapi(endOthersRoute, async (c) => {
    const principal = currentUser(c);
    const { userId, sessionId: keepSessionId } = principal;
    await endSessions(c.var.ctx, principal, { userId, keepSessionId, reason: "ended" });
    return c.body(null, 204);
  })
  .openapi(endOwnRoute, async (c) => {
    const principal = currentUser(c);
    const { id: sessionId } = c.req.valid("param");
    const { userId } = principal;
    await endSessions(c.var.ctx, principal, { userId, sessionId, reason: "ended" });
    return c.body(null, 204);
  })
  .openapi(listOfUserRoute, async (c) => {
    const principal = currentPrincipal(c);
    const query = c.req.valid("query");
    const page = await getSessionPage(c.var.ctx, principal, targetId(c), query);
    const currentId = principal.type === "user" ? principal.sessionId : null;
    return c.json(presentPage(page, query.limit, presentSession(currentId)), 200);
  })
  .openapi(endAllOfUserRoute, async (c) => {
    const target = { userId: targetId(c), reason: "ended" } as const;
    await endSessions(c.var.ctx, currentUser(c), target);
    return c.body(null, 204);
  })
  .openapi(endOfUserRoute, async (c) => {
    const { session_id: sessionId } = c.req.valid("param");
    const target = { userId: targetId(c), sessionId, reason: "ended" } as const;
    await endSessions(c.var.ctx, currentUser(c), target);
    return c.body(null, 204);
  });
