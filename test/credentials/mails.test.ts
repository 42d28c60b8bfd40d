import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createHolder, createTestKey, sendWithKey, setRole } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  actionsOn,
  auditOf,
  createTestUser,
  newAccount,
  PASSWORD,
  sqlAll,
  sqlRun,
} from "../support/fixtures.ts";
import { createMailbox, createMailUser, flowsOf, type Mailbox } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const NEW = "another pass phrase";
const MINUTE = 60_000;
const UNKNOWN = "01a20000-0000-7000-8000-000000000000";

const request = (
  box: Pick<Mailbox, "bindings">,
  id: string,
  operation: string,
  { token }: { token: string },
) => send(`/v1/users/${id}/${operation}`, { method: "POST", token, bindings: box.bindings });

const mailsOf = (id: string) =>
  sqlAll("SELECT id, kind FROM mail_outbox WHERE user_id = ? ORDER BY id", id);

describe.each([
  ["password/send-reset", "reset_password"],
  ["email/send-verification", "verify_email"],
])("POST /v1/users/{id}/%s", (operation, kind) => {
  it("needs credentials:manage, and refuses API keys", async () => {
    const box = createMailbox();
    const user = await createTestUser();
    const moderator = await createTestUser("moderator");
    expectProblem(await request(box, user.id, operation, moderator), 403, "forbidden");
    expectProblem(await request(box, user.id, operation, user), 403, "forbidden");
    const key = await createTestKey(await createTestUser("admin"), ["credentials:manage"]);
    const answer = await sendWithKey(key, `/v1/users/${user.id}/${operation}`, { method: "POST" });
    expectProblem(answer, 403, "forbidden");
  });

  it("refuses whoever does not hold everything that the user holds, and sends nothing", async () => {
    const box = createMailbox();
    const admin = await createTestUser("admin");
    const manager = await createHolder("credentials:manage");
    expectProblem(await request(box, admin.id, operation, manager), 403, "privilege_escalation");
    expect(box.sent).toEqual([]);
  });

  it("sends nothing if the caller is demoted after the decision", async () => {
    const box = createMailbox();
    const manager = await createHolder("credentials:manage");
    const user = await createTestUser();
    const before = await mailsOf(user.id);
    const bindings = beforeStatement(
      /insert into "mail_outbox"/,
      () => setRole(manager, "user"),
      box.bindings,
    );
    const answer = await request({ bindings }, user.id, operation, manager);
    expectProblem(answer, 403, "forbidden");
    expect(await mailsOf(user.id)).toEqual(before);
  });

  it("returns 404 for unknown and deleted users", async () => {
    const box = createMailbox();
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    await send(`/v1/users/${user.id}`, { method: "DELETE", token: user.token });
    for (const id of [user.id, UNKNOWN]) {
      expectProblem(await request(box, id, operation, admin), 404, "user_not_found");
    }
  });

  it("sends at most one per minute and five per hour, and says so", async () => {
    const clock = stopClock();
    const box = createMailbox();
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    await sqlRun("DELETE FROM mail_outbox WHERE user_id = ?", user.id);
    for (let i = 0; i < 5; i += 1) {
      expect((await request(box, user.id, operation, admin)).status).toBe(202);
      const again = await request(box, user.id, operation, admin);
      expectProblem(again, 429, "rate_limited");
      expect(again.headers.get("Retry-After")).toBe(i < 4 ? "60" : "3600");
      clock.pass(MINUTE);
    }
    expectProblem(await request(box, user.id, operation, admin), 429, "rate_limited");
    expect((await mailsOf(user.id)).map((mail) => mail.kind)).toEqual(Array(5).fill(kind));
  });

  it("returns 503 mail_not_configured without mail", async () => {
    const box = createMailbox({ MAIL_TRANSPORT: "off" });
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    expectProblem(await request(box, user.id, operation, admin), 503, "mail_not_configured");
    expectProblem(await request(box, user.id, operation, user), 403, "forbidden");
  });
});

describe("POST /v1/users/{id}/password/send-reset", () => {
  it("sends a link that works, voids the earlier one and records who asked for it", async () => {
    const clock = stopClock();
    const box = createMailbox();
    const user = await createMailUser(box);
    const { forgot, reset, logIn } = flowsOf(box);
    await forgot(user.email);
    const earlier = box.tokenTo(user.email);
    clock.pass(2 * MINUTE);
    const admin = await createTestUser("admin");
    const answer = await request(box, user.id, "password/send-reset", admin);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 202, text: "" });
    expectProblem(await reset(earlier, NEW), 400, "invalid_token");
    expect((await reset(box.tokenTo(user.email), NEW)).status).toBe(204);
    expect((await logIn(user.username, NEW)).status).toBe(200);
    const events = (await auditOf(user.id)).filter(
      ({ action }) => action === "password.reset_requested",
    );
    expect(events.map(({ actor_id }) => actor_id)).toEqual([null, admin.id]);
  });

  it("sends the invitation again to whoever has no password yet", async () => {
    const clock = stopClock();
    const box = createMailbox();
    const admin = await createTestUser("admin");
    const { password: _, ...body } = newAccount();
    const invited = await send("/v1/users", { token: admin.token, body, bindings: box.bindings });
    clock.pass(2 * MINUTE);
    expect((await request(box, invited.body.id, "password/send-reset", admin)).status).toBe(202);
    expect(box.subjectsTo(body.email)).toEqual(
      Array(2).fill("You are invited to create your account"),
    );
    expect((await flowsOf(box).reset(box.tokenTo(body.email), PASSWORD)).status).toBe(204);
    expect(await actionsOn(invited.body.id)).toEqual([
      "user.created",
      "user.invited",
      "user.invited",
      "password.reset",
      "email.verified",
    ]);
  });

  it("returns 409 user_inactive for a user whose link would not work", async () => {
    const box = createMailbox();
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    await sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", user.id);
    expectProblem(await request(box, user.id, "password/send-reset", admin), 409, "user_inactive");
  });
});

describe("POST /v1/users/{id}/email/send-verification", () => {
  it("sends a link that works, and nothing to a verified address", async () => {
    const clock = stopClock();
    const box = createMailbox();
    const user = await createMailUser(box);
    clock.pass(2 * MINUTE);
    const admin = await createTestUser("admin");
    expect((await request(box, user.id, "email/send-verification", admin)).status).toBe(202);
    expect((await flowsOf(box).verify(box.tokenTo(user.email))).status).toBe(200);
    clock.pass(2 * MINUTE);
    const { length } = box.sent;
    expect((await request(box, user.id, "email/send-verification", admin)).status).toBe(202);
    expect(box.sent).toHaveLength(length);
  });
});
