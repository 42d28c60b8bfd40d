import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import { at, faultyBindings } from "../support/faults.ts";
import {
  ALL_REFUSED,
  allAuditOf,
  PASSWORD,
  sqlAll,
  sqlRun,
  statusesOf,
} from "../support/fixtures.ts";
import { createMailbox, createMailUser, flowsOf, requestReset } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const NEW = "another pass phrase";

const TOKEN_READ = /^select .* from "one_time_tokens" inner join "users"/;
const PASSWORD_UPDATED = /^update "users" set "password_hash"/;
const ADDRESS_READ = /^select .* from "users" where \("users"\."email_key" = \?/;
const REQUEST_RECORDED = /insert into "audit_events"/;

async function stateOf(userId: string) {
  const [user] = await sqlAll(
    "SELECT password_hash, password_version FROM users WHERE id = ?",
    userId,
  );
  return {
    user,
    sessions: await sqlAll("SELECT revoked_at FROM sessions WHERE user_id = ?", userId),
    tokens: await sqlAll("SELECT * FROM one_time_tokens WHERE user_id = ? ORDER BY 2", userId),
    mails: await sqlAll("SELECT id, kind FROM mail_outbox WHERE user_id = ? ORDER BY id", userId),
    actions: (await allAuditOf(userId)).map(({ action }) => action),
  };
}

describe("a reset concurrent with", () => {
  it("logins with the old password leaves none of their sessions alive", async () => {
    for (let round = 0; round < 5; round += 1) {
      const { user, token, reset, logIn } = await requestReset();
      const [done, ...logins] = await Promise.all([
        reset(token, NEW),
        ...Array.from({ length: 5 }, () => logIn(user.username)),
      ]);
      expect(done.status).toBe(204);
      for (const { status, body } of logins) {
        expect([200, 401]).toContain(status);
        if (status !== 200) continue;
        const session = { token: body.access_token, refreshToken: body.refresh_token };
        expect(await statusesOf(session)).toEqual(ALL_REFUSED);
      }
    }
  });

  it("a login that has already checked the password prevents its session", async () => {
    const { user, token, reset } = await requestReset();
    const bindings = beforeStatement(/^insert into "sessions"/, () => reset(token, NEW));
    const body = { username: user.username, password: PASSWORD };
    const late = await send("/v1/auth/login", { body, bindings });
    expectProblem(late, 401, "invalid_credentials");
  });

  it("a password change lets exactly one of them succeed", async () => {
    for (let round = 0; round < 5; round += 1) {
      const { box, user, token, reset, logIn } = await requestReset();
      const body = { current_password: PASSWORD, new_password: "changed pass phrase" };
      const [done, changed] = await Promise.all([
        reset(token, NEW),
        send("/v1/auth/password/change", { body, token: user.token, bindings: box.bindings }),
      ]);
      const won = [done.status === 204, changed.status === 204];
      expect(won.filter(Boolean).length).toBe(1);
      const winner = won[0] ? NEW : "changed pass phrase";
      expect((await logIn(user.username, winner)).status).toBe(200);
    }
  });

  it("a deactivation between check and write changes nothing", async () => {
    const { box, user, token } = await requestReset();
    const before = await stateOf(user.id);
    const deactivate = () => sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", user.id);
    const bindings = beforeStatement(PASSWORD_UPDATED, deactivate, box.bindings);
    expectProblem(await flowsOf({ bindings }).reset(token, NEW), 400, "invalid_token");
    expect(await stateOf(user.id)).toEqual(before);
  });

  it("a newer link requested between check and write changes nothing", async () => {
    const { box, user, token } = await requestReset();
    const newer = () =>
      sqlRun("UPDATE one_time_tokens SET token_hash = 'newer' WHERE user_id = ?", user.id);
    const bindings = beforeStatement(PASSWORD_UPDATED, newer, box.bindings);
    expectProblem(await flowsOf({ bindings }).reset(token, NEW), 400, "invalid_token");
    expect((await flowsOf(box).logIn(user.username)).status).toBe(200);
  });
});

describe("a reset", () => {
  it.each([
    ["the token is read", TOKEN_READ],
    ["the password is updated", PASSWORD_UPDATED],
  ])("changes nothing if D1 fails when %s, and succeeds when retried", async (_, statement) => {
    const { box, user, token, reset, logIn } = await requestReset();
    const before = await stateOf(user.id);
    const bindings = { ...faultyBindings({ d1: at(statement) }), EMAIL: box.EMAIL };
    expectProblem(await flowsOf({ bindings }).reset(token, NEW), 503, "service_unavailable");
    expect(await stateOf(user.id)).toEqual(before);
    expect((await reset(token, NEW)).status).toBe(204);
    expect((await logIn(user.username, NEW)).status).toBe(200);
  });

  it("changes nothing if its batch fails midway", async () => {
    const { user, token, reset } = await requestReset();
    const before = await stateOf(user.id);
    await sqlRun(`CREATE TRIGGER fail_mail BEFORE INSERT ON mail_outbox
      WHEN new.kind = 'password_changed' BEGIN SELECT RAISE(ABORT, 'no'); END`);
    const failed = await reset(token, NEW);
    await sqlRun("DROP TRIGGER fail_mail");
    expectProblem(failed, 500, "internal_error");
    expect(await stateOf(user.id)).toEqual(before);
  });

  it("is complete and uses up its link if the D1 response is lost", async () => {
    const { box, user, token, reset, logIn } = await requestReset();
    const bindings = {
      ...faultyBindings({ d1AnswerLost: at(PASSWORD_UPDATED) }),
      EMAIL: box.EMAIL,
    };
    expectProblem(await flowsOf({ bindings }).reset(token, NEW), 503, "service_unavailable");
    expectProblem(await reset(token, "a third pass phrase"), 400, "invalid_token");
    expect((await logIn(user.username, NEW)).status).toBe(200);
    const { actions, mails } = await stateOf(user.id);
    expect(actions.filter((action) => action === "password.reset")).toHaveLength(1);
    expect(mails.filter(({ kind }) => kind === "password_changed")).toHaveLength(1);
  });
});

describe("a reset request", () => {
  it.each([
    ["the address is looked up", ADDRESS_READ],
    ["the request is recorded", REQUEST_RECORDED],
  ])("queues and records nothing if D1 fails when %s", async (_, statement) => {
    const box = createMailbox();
    const user = await createMailUser(box);
    const before = await stateOf(user.id);
    const bindings = { ...faultyBindings({ d1: at(statement) }), EMAIL: box.EMAIL };
    const failed = await flowsOf({ bindings }).forgot(user.email);
    expectProblem(failed, 503, "service_unavailable");
    expect(await stateOf(user.id)).toEqual(before);
    expect(box.to(user.email)).toHaveLength(1);
  });
});
