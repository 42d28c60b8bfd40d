import { describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { auditOf, createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const MINUTE = 60_000;

async function createRecipient() {
  const box = createMailbox();
  const user = await createMailUser(box);
  return { box, user, ...flowsOf(box) };
}

describe("POST /v1/auth/password/forgot", () => {
  it("returns 202, sends a link and records password.reset_requested", async () => {
    const { box, user, forgot } = await createRecipient();
    const answer = await forgot(user.email);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 202, text: "" });
    expect(box.subjectsTo(user.email)).toEqual([
      "Confirm your email address",
      "Reset your password",
    ]);
    const [event] = (await auditOf(user.id)).slice(-1);
    expect(event).toMatchObject({
      action: "password.reset_requested",
      actor_type: "anonymous",
      actor_id: null,
      ip: "203.0.113.7",
    });
  });

  it("accepts the address in any case and with surrounding spaces, and sends to the stored address", async () => {
    const { box, user, forgot } = await createRecipient();
    await forgot(`  ${user.email.toUpperCase()} `);
    expect(box.subjectsTo(user.email)).toContain("Reset your password");
  });

  it("returns the same response, with the same number of D1 queries, for a known, unknown, inactive and deleted address", async () => {
    const box = createMailbox();
    const { forgot } = flowsOf(box);
    const [known, inactive, deleted] = [
      await createMailUser(box),
      await createMailUser(box),
      await createMailUser(box),
    ];
    await sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", inactive.id);
    await send("/v1/users/me", { method: "DELETE", token: deleted.token, bindings: box.bindings });
    const emails = [known.email, "nobody@example.com", inactive.email, deleted.email];
    const before = box.sent.length;
    const seen = [];
    for (const email of emails) {
      const answer = await forgot(email);
      const names = [...answer.headers.keys()].sort().join(" ");
      seen.push([answer.status, answer.text, names, costOf(answer).queries]);
    }
    expect(seen[0]).toEqual([202, "", expect.any(String), 2]);
    for (const answer of seen) expect(answer).toEqual(seen[0]);
    expect(box.sent.slice(before).map(({ to }) => to)).toEqual([known.email]);
  });

  it("returns the same response if it has just sent a mail or the provider is down", async () => {
    const { box, user, forgot } = await createRecipient();
    const first = await forgot(user.email);
    const second = await forgot(user.email);
    box.faults.refuses = () => true;
    const third = await forgot((await createMailUser(box)).email);
    for (const answer of [second, third]) {
      expect([answer.status, answer.text, costOf(answer).queries]).toEqual([
        first.status,
        first.text,
        costOf(first).queries,
      ]);
    }
  });

  it("sends at most one mail per minute and five per hour, and records each mail", async () => {
    const clock = stopClock();
    const { box, user, forgot } = await createRecipient();
    const resets = () => box.to(user.email).length - 1;
    await forgot(user.email);
    clock.at(MINUTE - 1);
    await forgot(user.email);
    expect(resets()).toBe(1);
    for (let i = 1; i < 10; i += 1) {
      clock.at(i * MINUTE);
      await forgot(user.email);
    }
    expect(resets()).toBe(5);
    clock.at(59 * MINUTE);
    await forgot(user.email);
    expect(resets()).toBe(5);
    clock.at(60 * MINUTE);
    await forgot(user.email);
    expect(resets()).toBe(6);
    const actions = (await auditOf(user.id)).map(({ action }) => action);
    expect(actions.filter((action) => action === "password.reset_requested")).toHaveLength(6);
  });

  it("sends one mail for 10 concurrent requests", async () => {
    const { box, user, forgot } = await createRecipient();
    const answers = await Promise.all(Array.from({ length: 10 }, () => forgot(user.email)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(box.to(user.email)).toHaveLength(2);
  });

  it("neither ends sessions nor affects the password", async () => {
    const { user, box, forgot, logIn } = await createRecipient();
    await forgot(user.email);
    const { status } = await send("/v1/users/me", { token: user.token, bindings: box.bindings });
    expect(status).toBe(200);
    expect((await logIn(user.username)).status).toBe(200);
  });

  it("stores nothing about an unknown address", async () => {
    const { forgot } = flowsOf(createMailbox());
    await forgot("a.stranger@example.com");
    for (const table of ["mail_outbox", "one_time_tokens", "audit_events", "login_attempts"]) {
      expect(JSON.stringify(await sqlAll(`SELECT * FROM ${table}`))).not.toContain("a.stranger");
    }
  });

  it("returns 422 without an email, and for other fields", async () => {
    const post = (body: unknown) => send("/v1/auth/password/forgot", { body });
    expect(faultsOf(await post({}))).toEqual(["email required"]);
    expect(faultsOf(await post({ email: "" }))).toEqual(["email invalid_format"]);
    expect(faultsOf(await post({ email: "nope" }))).toEqual(["email invalid_format"]);
    const long = `ada@${"a.".repeat(130)}example`;
    expect(faultsOf(await post({ email: long }))).toEqual(["email too_long"]);
    expect((await post({ username: "ada" })).status).toBe(422);
  });

  it("returns 503 mail_not_configured with MAIL_TRANSPORT off, alike for known and unknown addresses and without a D1 query", async () => {
    const box = createMailbox({ MAIL_TRANSPORT: "off" });
    const user = await createTestUser();
    for (const email of [user.email, "nobody@example.com"]) {
      const answer = await flowsOf(box).forgot(email);
      expectProblem(answer, 503, "mail_not_configured");
      expect(answer.headers.get("Retry-After")).toMatch(/^[1-9]\d*$/);
      expect(costOf(answer).queries).toBe(0);
    }
    expect(box.sent).toEqual([]);
    expect((await auditOf(user.id)).map(({ action }) => action)).toEqual(["user.created"]);
    expect(
      await sqlAll(
        "SELECT * FROM mail_outbox WHERE user_id = ? AND kind = 'reset_password'",
        user.id,
      ),
    ).toEqual([]);
  });

  it("counts against the auth limit of the caller's IP address", async () => {
    const { bindings } = createMailbox({ RATE_LIMIT_AUTH: "2/60" });
    const { forgot } = flowsOf({ bindings });
    await forgot("a@example.com");
    await forgot("b@example.com");
    expectProblem(await forgot("c@example.com"), 429, "rate_limited");
  });
});
