import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { newAccount, sqlAll } from "../support/fixtures.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const REQUIRED = { LOGIN_REQUIRES_VERIFIED_EMAIL: "on" };

async function registerUnverified() {
  const box = createMailbox(REQUIRED);
  const account = newAccount();
  await send("/v1/auth/register", { body: account, bindings: box.bindings });
  return { box, ...account, ...flowsOf(box) };
}

describe("with LOGIN_REQUIRES_VERIFIED_EMAIL on", () => {
  it("a login returns 403 email_not_verified until the address is confirmed", async () => {
    const { box, username, email, logIn, verify } = await registerUnverified();
    expectProblem(await logIn(username), 403, "email_not_verified");
    expect((await verify(box.tokenTo(email))).status).toBe(200);
    expect((await logIn(username)).status).toBe(200);
  });

  it("a login with a wrong password does not reveal it", async () => {
    const { username, logIn } = await registerUnverified();
    expectProblem(await logIn(username, "wrong password"), 401, "invalid_credentials");
    expectProblem(await logIn("nobody-at-all"), 401, "invalid_credentials");
  });

  it("a refused login does not count as failed, begins no session and causes no lock-out", async () => {
    const { box, username, email, logIn, verify } = await registerUnverified();
    for (let i = 0; i < 12; i += 1) {
      expectProblem(await logIn(username), 403, "email_not_verified");
    }
    expect(
      await sqlAll(
        "SELECT sessions.id FROM sessions JOIN users ON users.id = user_id WHERE email = ?",
        email,
      ),
    ).toEqual([]);
    await verify(box.tokenTo(email));
    expect((await logIn(username)).status).toBe(200);
  });

  it("a login sends the link again, within the limits of resending", async () => {
    const clock = stopClock();
    const { box, username, email, logIn, verify } = await registerUnverified();
    await logIn(username);
    expect(box.to(email)).toHaveLength(1);
    clock.pass(60_000);
    await logIn(username);
    await logIn(username);
    expect(box.to(email)).toHaveLength(2);
    expect((await verify(box.tokenTo(email))).status).toBe(200);
  });

  it("an existing session remains valid", async () => {
    const user = await createMailUser(createMailbox());
    const { bindings } = createMailbox(REQUIRED);
    expect((await send("/v1/auth/me", { token: user.token, bindings })).status).toBe(200);
    const body = { refresh_token: user.refreshToken };
    expect((await send("/v1/auth/refresh", { body, bindings })).status).toBe(200);
  });
});

describe("with LOGIN_REQUIRES_VERIFIED_EMAIL off, the default", () => {
  it("a login succeeds with an unconfirmed address", async () => {
    const user = await createMailUser(createMailbox());
    expect(user.token).toBeTruthy();
  });
});
