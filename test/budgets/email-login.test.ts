import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { expectWithin, PRODUCTION_LIMITS } from "../support/budgets.ts";
import { createLoginMailbox, emailLoginOf, requestLogin } from "../support/email-login.ts";
import { newEmail, sqlRun } from "../support/fixtures.ts";
import { linkIdentity } from "../support/identities.ts";
import { createMailUser, createVerifiedMailUser } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const createBox = () => createLoginMailbox(PRODUCTION_LIMITS);

describe("logins by email", () => {
  it("POST /v1/auth/email-login, whether or not someone has the address", async () => {
    const box = createBox();
    const user = await createVerifiedMailUser(box);
    for (const email of [user.email, newEmail()]) {
      const answer = await emailLoginOf(box).request(email);
      expectWithin(answer, { trips: 2, rowsRead: 16, rowsWritten: 5, kv: 0 });
      const again = await emailLoginOf(box).request(email);
      expectWithin(again, { trips: 2, rowsRead: 16, rowsWritten: 0, kv: 0 });
    }
  });

  it("POST /v1/auth/email-login/verify with a link", async () => {
    const { token, byLink } = await requestLogin(createBox());
    const answer = await byLink(token);
    expectWithin(answer, { trips: 3, rowsRead: 30, rowsWritten: 10, kv: 1 });
  });

  it("POST /v1/auth/email-login/verify with a code", async () => {
    const { loginToken, code, byCode } = await requestLogin(createBox());
    const answer = await byCode(loginToken, code);
    expectWithin(answer, { trips: 3, rowsRead: 44, rowsWritten: 14, kv: 1 });
  });

  it("POST /v1/auth/email-login/verify that proves an address for the first time", async () => {
    const box = createBox();
    const user = await createMailUser(box);
    await linkIdentity(user.id);
    await emailLoginOf(box).request(user.email);
    const answer = await emailLoginOf(box).byLink(box.tokenTo(user.email));
    expectWithin(answer, { trips: 4, rowsRead: 84, rowsWritten: 28, kv: 2 });
  });

  it("refuses a login_token that it did not issue without D1", async () => {
    const { byCode } = emailLoginOf(createBox());
    const answer = await byCode("rel_x", "123456");
    expectProblem(answer, 401, "invalid_code");
    expectWithin({ ...answer, status: 200 }, { trips: 0, rowsRead: 0, rowsWritten: 0, kv: 0 });
  });
});

describe("passwords and unproven accounts", () => {
  it("DELETE and PUT /v1/auth/password", async () => {
    const box = createBox();
    const user = await createVerifiedMailUser(box);
    const own = { token: user.token, bindings: box.bindings };
    const removed = await send("/v1/auth/password", { method: "DELETE", ...own });
    expectWithin(removed, { trips: 2, rowsRead: 40, rowsWritten: 10, kv: 0 });
    const body = { new_password: "another pass phrase" };
    const set = await send("/v1/auth/password", { method: "PUT", body, ...own });
    expectWithin(set, { trips: 3, rowsRead: 40, rowsWritten: 10, kv: 0 });
  });

  it("POST /v1/auth/email/disown", async () => {
    const box = createBox();
    const user = await createMailUser(box);
    const body = { token: box.tokenTo(user.email) };
    const { bindings } = box;
    const answer = await send("/v1/auth/email/disown", { body, bindings });
    expectWithin(answer, { trips: 3, rowsRead: 36, rowsWritten: 12, kv: 1 });
    expect(answer.status).toBe(204);
  });

  it("POST /v1/auth/step-up/challenge by email", async () => {
    const box = createBox();
    const { id, token } = await createMailUser(box);
    await sqlRun("UPDATE users SET email_verified = 1 WHERE id = ?", id);
    const body = { method: "email_code" };
    const answer = await send("/v1/auth/step-up/challenge", {
      token,
      body,
      bindings: box.bindings,
    });
    expectWithin(answer, { trips: 2, rowsRead: 20, rowsWritten: 4, kv: 0 });
  });
});
