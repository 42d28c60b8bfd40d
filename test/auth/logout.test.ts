import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import {
  ALL_REFUSED,
  actionsOn,
  auditOf,
  createTestUser,
  logIn,
  statusesOf,
} from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const logOut = (token?: string) =>
  send("/v1/auth/logout", { method: "POST", ...(token && { token }) });

describe("POST /v1/auth/logout", () => {
  it("returns 204 and ends the session immediately for refresh, writes and reads", async () => {
    const user = await createTestUser();
    await send("/v1/auth/me", { token: user.token });
    const answer = await logOut(user.token);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: "" });
    expect(await statusesOf(user)).toEqual(ALL_REFUSED);
  });

  it("ends no other session", async () => {
    const user = await createTestUser();
    const other = await logIn(user.username);
    await logOut(user.token);
    expect(await statusesOf(other)).toEqual({ write: 200, read: 200, refresh: 200 });
  });

  it("records session.revoked once for 5 concurrent requests", async () => {
    const user = await createTestUser();
    const { body: me } = await send("/v1/auth/me", { token: user.token });
    await Promise.all(Array.from({ length: 5 }, () => logOut(user.token)));
    expect(await actionsOn(user.id)).toEqual(["user.created", "session.revoked"]);
    const [event] = (await auditOf(user.id)).slice(-1);
    expect(event).toMatchObject({
      actor_id: user.id,
      actor_type: "user",
      target_type: "user",
      changes: null,
      metadata: { session_id: me.session.id, reason: "logout" },
    });
  });

  it("ends the session of a token that has since been refreshed", async () => {
    const user = await createTestUser();
    const { body } = await send("/v1/auth/refresh", { body: { refresh_token: user.refreshToken } });
    await logOut(user.token);
    const successor = { token: body.access_token, refreshToken: body.refresh_token };
    expect(await statusesOf(successor)).toEqual(ALL_REFUSED);
  });

  it("returns 401 without a token and for an ended session", async () => {
    expectProblem(await logOut(), 401, "unauthenticated");
    const { token } = await createTestUser();
    await logOut(token);
    expectProblem(await logOut(token), 401, "unauthenticated");
  });

  it("returns 422 for a query parameter", async () => {
    const { token } = await createTestUser();
    const answer = await send("/v1/auth/logout?all=true", { method: "POST", token });
    expectProblem(answer, 422, "validation_failed");
  });
});
