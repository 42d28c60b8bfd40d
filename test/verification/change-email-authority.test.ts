import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import { createTestUser, PASSWORD, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { createMailbox, createMailUser, createVerifiedMailUser } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const listQueuedMail = ({ id }: { id: string }) =>
  sqlAll("SELECT id FROM mail_outbox WHERE user_id = ? AND kind = 'change_email'", id);

const change = ({ token }: TestUser, bindings: Cloudflare.Env) =>
  send("/v1/auth/email/change", {
    token,
    body: { email: "elsewhere@example.com", current_password: PASSWORD },
    bindings: { ...bindings, EMAIL: createMailbox().EMAIL },
  });

describe("an email change in progress", () => {
  it.each([
    ["the password is changed", "UPDATE users SET password_version = 2 WHERE id = ?"],
    ["the account is deactivated", "UPDATE users SET is_active = 0 WHERE id = ?"],
    ["the session ends", "UPDATE sessions SET revoked_at = 1 WHERE user_id = ?"],
  ])("sends no link if %s between check and write", async (_, statement) => {
    const user = await createTestUser();
    const loseAuthority = () => sqlRun(statement, user.id);
    const bindings = beforeStatement(/insert into "mail_outbox"/, loseAuthority);
    expectProblem(await change(user, bindings), 401, "unauthenticated");
    expect(await listQueuedMail(user)).toEqual([]);
  });

  it("sends a link otherwise", async () => {
    const user = await createTestUser();
    expect((await change(user, env)).status).toBe(202);
    expect(await listQueuedMail(user)).toHaveLength(1);
  });
});

describe("an email change by an administrator", () => {
  async function changeAddressOf(user: TestUser, bindings: Cloudflare.Env) {
    const { token } = await createTestUser("admin");
    const body = { email: `new.${user.email}` };
    return send(`/v1/users/${user.id}`, { method: "PATCH", token, body, bindings });
  }

  it("notifies the old address and asks the new one to confirm", async () => {
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    expect((await changeAddressOf(user, box.bindings)).status).toBe(200);
    expect(box.subjectsTo(user.email).at(-1)).toBe("Your email address was changed");
    expect(box.subjectsTo(`new.${user.email}`)).toEqual(["Confirm your email address"]);
  });

  it("sends nothing to an old address that was not verified", async () => {
    const box = createMailbox();
    const user = await createMailUser(box);
    expect((await changeAddressOf(user, box.bindings)).status).toBe(200);
    expect(box.subjectsTo(user.email)).toEqual(["Confirm your email address"]);
    expect(box.subjectsTo(`new.${user.email}`)).toEqual(["Confirm your email address"]);
  });
});
