import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createHolder, createTestKey, sendWithKey } from "../support/credentials.ts";
import {
  ALL_REFUSED,
  auditOf,
  createTestUser,
  sqlAll,
  sqlRun,
  statusesOf,
} from "../support/fixtures.ts";
import { createMailbox, createMailUser, flowsOf, requestReset } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const HOUR = 3_600_000;
const NEW = "another pass phrase";

describe("POST /v1/auth/password/reset", () => {
  it("returns 204, and only the new password works", async () => {
    const { user, token, reset, logIn } = await requestReset();
    const answer = await reset(token, NEW);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: "" });
    expectProblem(await logIn(user.username), 401, "invalid_credentials");
    expect((await logIn(user.username, NEW)).status).toBe(200);
  });

  it("ends every session immediately, records password.reset and notifies the owner", async () => {
    const { box, user, token, reset, logIn } = await requestReset();
    const { body } = await logIn(user.username);
    const second = { token: body.access_token, refreshToken: body.refresh_token };
    await send("/v1/auth/me", { token: second.token });
    await reset(token, NEW);
    for (const session of [user, second]) {
      expect(await statusesOf(session)).toEqual(ALL_REFUSED);
    }
    const [event] = (await auditOf(user.id)).slice(-1);
    expect(event).toMatchObject({
      action: "password.reset",
      actor_type: "anonymous",
      changes: null,
    });
    expect(box.subjectsTo(user.email).at(-1)).toBe("Your password was changed");
    expect(box.to(user.email).at(-1)?.text).not.toContain("token");
  });

  it.each([
    ["a password that is the first", "password_hash = NULL"],
    ["the address as verified", "email_verified = 0"],
  ])("raises the version and updated_at of a user whom it gives %s", async (_, before) => {
    const { user, token, reset } = await requestReset();
    await sqlRun(`UPDATE users SET ${before}, updated_at = 1 WHERE id = ?`, user.id);
    const read = () => sqlAll("SELECT version, updated_at FROM users WHERE id = ?", user.id);
    const [then] = await read();
    expect((await reset(token, NEW)).status).toBe(204);
    const [now] = await read();
    expect(now?.version).toBe(Number(then?.version) + 1);
    expect(now?.updated_at).toBeGreaterThan(1);
  });

  it("leaves API keys valid if the address was verified before", async () => {
    const owner = await createHolder("users:read");
    await sqlRun("UPDATE users SET email_verified = 1 WHERE id = ?", owner.id);
    const key = await createTestKey(owner, ["users:read"]);
    const box = createMailbox();
    const { forgot, reset } = flowsOf(box);
    await forgot(owner.email);
    expect((await reset(box.tokenTo(owner.email), NEW)).status).toBe(204);
    expect((await sendWithKey(key, "/v1/users")).status).toBe(200);
  });

  it("works once: a second use returns 400 and changes nothing", async () => {
    const { user, token, reset, logIn } = await requestReset();
    await reset(token, NEW);
    expectProblem(await reset(token, "yet another phrase"), 400, "invalid_token");
    expect((await logIn(user.username, NEW)).status).toBe(200);
  });

  it("sets one password, once, for 10 concurrent requests", async () => {
    const { user, token, reset, logIn } = await requestReset();
    const passwords = Array.from({ length: 10 }, (_, i) => `parallel phrase ${i}`);
    const answers = await Promise.all(passwords.map((password) => reset(token, password)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(9).fill(400)]);
    const winner = passwords[answers.findIndex(({ status }) => status === 204)];
    expect((await logIn(user.username, winner)).status).toBe(200);
    const actions = (await auditOf(user.id)).map(({ action }) => action);
    expect(actions.filter((action) => action === "password.reset")).toHaveLength(1);
  });

  it("works for exactly one hour", async () => {
    const clock = stopClock();
    const first = await requestReset();
    const second = await requestReset();
    clock.at(HOUR - 1);
    expect((await first.reset(first.token, NEW)).status).toBe(204);
    clock.at(HOUR);
    expectProblem(await second.reset(second.token, NEW), 400, "invalid_token");
    expect((await second.logIn(second.user.username)).status).toBe(200);
  });

  it("is void once a newer link is requested", async () => {
    const clock = stopClock();
    const { box, user, token, forgot, reset } = await requestReset();
    clock.pass(60_000);
    await forgot(user.email);
    expectProblem(await reset(token, NEW), 400, "invalid_token");
    expect((await reset(box.tokenTo(user.email), NEW)).status).toBe(204);
  });

  it("is void once the password is changed", async () => {
    const { box, user, token, reset, logIn } = await requestReset();
    const body = { current_password: "SecurePass123!", new_password: NEW };
    await send("/v1/auth/password/change", { body, token: user.token, bindings: box.bindings });
    expectProblem(await reset(token, "a thief's pass phrase"), 400, "invalid_token");
    expect((await logIn(user.username, NEW)).status).toBe(200);
  });

  it("refuses a token for another purpose", async () => {
    const box = createMailbox();
    const user = await createMailUser(box);
    const { reset, changeEmail } = flowsOf(box);
    expectProblem(await reset(box.tokenTo(user.email), NEW), 400, "invalid_token");
    await changeEmail(user.token, `new.${user.email}`);
    expectProblem(await reset(box.tokenTo(`new.${user.email}`), NEW), 400, "invalid_token");
  });

  it.each([
    ["deactivated", { is_active: false }, { is_active: true }],
    ["given another address", { email: "moved@example.com" }, {}],
  ])("refuses the token of an account that has since been %s, permanently", async (_, to, back) => {
    const { user, token, reset } = await requestReset();
    const admin = await createTestUser("admin");
    const edit = (body: object) =>
      send(`/v1/users/${user.id}`, { method: "PATCH", body, token: admin.token });
    expect((await edit(to)).status).toBe(200);
    expectProblem(await reset(token, NEW), 400, "invalid_token");
    await edit(back);
    expectProblem(await reset(token, NEW), 400, "invalid_token");
  });

  it("refuses the token while the account is inactive", async () => {
    const { user, token, reset } = await requestReset();
    await sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", user.id);
    expectProblem(await reset(token, NEW), 400, "invalid_token");
    await sqlRun("UPDATE users SET is_active = 1 WHERE id = ?", user.id);
    expect((await reset(token, NEW)).status).toBe(204);
  });

  it("refuses the token of a deleted account, even after restoration", async () => {
    const { user, token, reset } = await requestReset();
    const admin = await createTestUser("admin");
    const remove = { method: "DELETE", token: admin.token };
    expect((await send(`/v1/users/${user.id}`, remove)).status).toBe(204);
    expectProblem(await reset(token, NEW), 400, "invalid_token");
    await send(`/v1/users/${user.id}/restore`, { method: "POST", token: admin.token });
    expectProblem(await reset(token, NEW), 400, "invalid_token");
  });

  it("ends a lock-out", async () => {
    const { user, token, reset, logIn } = await requestReset();
    for (let i = 0; i < 10; i += 1) await logIn(user.username, "wrong password");
    expectProblem(await logIn(user.username), 429, "too_many_attempts");
    expect((await reset(token, NEW)).status).toBe(204);
    expect((await logIn(user.username, NEW)).status).toBe(200);
  });

  it("does not use up the token if the password is refused", async () => {
    const { user, token, reset } = await requestReset();
    for (const [password, code] of [
      ["short", "too_short"],
      ["password123", "too_common"],
      [`x${user.username}y`, "contains_username"],
    ] as const) {
      const answer = await reset(token, password);
      expect(answer.status).toBe(422);
      expect(faultsOf(answer)).toContain(`password ${code}`);
    }
    expect((await reset(token, NEW)).status).toBe(204);
  });

  it("returns 422 for an invalid body before checking the token", async () => {
    const post = (body: unknown) => send("/v1/auth/password/reset", { body });
    expect(faultsOf(await post({}))).toEqual(["password required", "token required"]);
    expect(faultsOf(await post({ token: "x", password: "short" }))).toEqual(["password too_short"]);
    expectProblem(await post({ token: "x", password: NEW }), 400, "invalid_token");
  });

  it("stores only the hash of the token, and nothing once it is used", async () => {
    const { user, token, reset } = await requestReset();
    const rows = () =>
      sqlAll(
        "SELECT * FROM one_time_tokens WHERE user_id = ? AND purpose = 'reset_password'",
        user.id,
      );
    expect(await rows()).toHaveLength(1);
    expect(JSON.stringify(await rows())).not.toContain(token.slice(4));
    await reset(token, NEW);
    expect(await rows()).toEqual([]);
  });
});
