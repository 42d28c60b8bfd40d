import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { actionsOn, auditOf, createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const HOUR = 3_600_000;

async function unverified(settings: Record<string, string> = {}) {
  const box = createMailbox(settings);
  const user = await createMailUser(box);
  const isVerified = async () => {
    const { body } = await send("/v1/users/me", { token: user.token, bindings: box.bindings });
    return body.email_verified as boolean;
  };
  return { box, user, isVerified, ...flowsOf(box) };
}

describe("POST /v1/auth/email/verify", () => {
  it("answers 200 with the user, whose address is confirmed, and records email.verified once", async () => {
    const { box, user, verify, isVerified } = await unverified();
    expect(await isVerified()).toBe(false);
    const before = await send("/v1/users/me", { token: user.token });
    const answer = await verify(box.tokenTo(user.email));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: user.id, email: user.email, email_verified: true });
    expect(answer.headers.get("ETag")).not.toBe(before.headers.get("ETag"));
    expect(answer.headers.get("Cache-Control")).toBe("private, no-cache");
    expect(await isVerified()).toBe(true);
    expect(await auditOf(user.id)).toMatchObject([
      { action: "user.created" },
      { action: "email.verified", actor_type: "anonymous", actor_id: null, ip: "203.0.113.7" },
    ]);
  });

  it("works once: the second time is 400 invalid_token", async () => {
    const { box, user, verify } = await unverified();
    const token = box.tokenTo(user.email);
    expect((await verify(token)).status).toBe(200);
    expectProblem(await verify(token), 400, "invalid_token");
    expect(await sqlAll("SELECT * FROM one_time_tokens WHERE user_id = ?", user.id)).toEqual([]);
  });

  it("used 10 times at once succeeds once, with one event", async () => {
    const { box, user, verify } = await unverified();
    const token = box.tokenTo(user.email);
    const answers = await Promise.all(Array.from({ length: 10 }, () => verify(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(400)]);
    expect(await actionsOn(user.id)).toEqual(["user.created", "email.verified"]);
  });

  it("works to the last millisecond of 24 hours and not after", async () => {
    const clock = stopClock();
    const first = await unverified();
    const second = await unverified();
    clock.at(24 * HOUR - 1);
    expect((await first.verify(first.box.tokenTo(first.user.email))).status).toBe(200);
    clock.at(24 * HOUR);
    const late = await second.verify(second.box.tokenTo(second.user.email));
    expectProblem(late, 400, "invalid_token");
    expect(await actionsOn(second.user.id)).toEqual(["user.created"]);
  });

  it("refuses a token for another purpose", async () => {
    const { box, user, verify, forgot, isVerified } = await unverified();
    await forgot(user.email);
    expectProblem(await verify(box.tokenTo(user.email)), 400, "invalid_token");
    expect(await isVerified()).toBe(false);
  });

  it("refuses texts that are no token, altered tokens and stored hashes", async () => {
    const { box, user, verify, isVerified } = await unverified();
    const token = box.tokenTo(user.email);
    const [row] = await sqlAll<{ token_hash: string }>(
      "SELECT token_hash FROM one_time_tokens WHERE user_id = ?",
      user.id,
    );
    const wrong = ["x", "rot_", `${token}A`, token.slice(0, -1), token.slice(4), user.token];
    for (const text of [...wrong, String(row?.token_hash), `rot_${row?.token_hash}`, "%_"]) {
      expectProblem(await verify(text), 400, "invalid_token");
    }
    expect(await isVerified()).toBe(false);
  });

  it("is no session: a one-time token opens nothing else", async () => {
    const { box, user } = await unverified();
    const token = box.tokenTo(user.email);
    expectProblem(await send("/v1/users/me", { token }), 401, "unauthenticated");
    const refresh = await send("/v1/auth/refresh", { body: { refresh_token: token } });
    expectProblem(refresh, 401, "invalid_refresh_token");
  });

  it("answers 422 without a token, with an empty, a long or a strange one, and for unknown fields", async () => {
    const { bindings } = createMailbox();
    const post = (body: unknown) => send("/v1/auth/email/verify", { body, bindings });
    expect(faultsOf(await post({}))).toEqual(["token required"]);
    expect(faultsOf(await post({ token: "" }))).toEqual(["token too_short"]);
    expect(faultsOf(await post({ token: "x".repeat(1537) }))).toEqual(["token too_long"]);
    expect(faultsOf(await post({ token: 7 }))).toEqual(["token invalid_type"]);
    expect((await post({ token: "x", email_verified: true })).status).toBe(422);
  });

  it("refuses the token of a deleted user", async () => {
    const { box, user, verify } = await unverified();
    await send("/v1/users/me", { method: "DELETE", token: user.token, bindings: box.bindings });
    expectProblem(await verify(box.tokenTo(user.email)), 400, "invalid_token");
  });

  it("refuses the token of a deleted user after they were restored, too", async () => {
    const { box, user, verify } = await unverified();
    const { token } = await createTestUser("admin");
    await send(`/v1/users/${user.id}`, { method: "DELETE", token });
    expect((await send(`/v1/users/${user.id}/restore`, { method: "POST", token })).status).toBe(
      200,
    );
    expectProblem(await verify(box.tokenTo(user.email)), 400, "invalid_token");
  });

  it("proves the address that it was sent to and no other", async () => {
    const { box, user, verify } = await unverified();
    const old = box.tokenTo(user.email);
    const { token } = await createTestUser("admin");
    const email = `new.${user.email}`;
    const change = { method: "PATCH", token, body: { email }, bindings: box.bindings };
    expect((await send(`/v1/users/${user.id}`, change)).body.email_verified).toBe(false);
    expectProblem(await verify(old), 400, "invalid_token");
    const answer = await verify(box.tokenTo(email));
    expect(answer.body).toMatchObject({ email, email_verified: true });
  });

  it("keeps nothing of the token but its hash", async () => {
    const { box, user } = await unverified();
    const token = box.tokenTo(user.email);
    const rows = [
      ...(await sqlAll("SELECT * FROM one_time_tokens WHERE user_id = ?", user.id)),
      ...(await sqlAll("SELECT * FROM mail_outbox WHERE user_id = ?", user.id)),
    ];
    expect(rows).toHaveLength(2);
    expect(JSON.stringify(rows)).not.toContain(token.slice(4));
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
    const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
    expect(rows[0]?.token_hash).toBe(
      hash.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""),
    );
  });

  it("that fails in the middle of its batch confirms nothing, and works when sent again", async () => {
    const { box, user, verify, isVerified } = await unverified();
    await sqlRun(`CREATE TRIGGER fail_audit BEFORE INSERT ON audit_events
      WHEN new.action = 'email.verified' BEGIN SELECT RAISE(ABORT, 'no'); END`);
    const failed = await verify(box.tokenTo(user.email));
    await sqlRun("DROP TRIGGER fail_audit");
    expectProblem(failed, 500, "internal_error");
    expect(await isVerified()).toBe(false);
    expect((await verify(box.tokenTo(user.email))).status).toBe(200);
  });
});
