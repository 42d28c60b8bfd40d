import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { actionsOn, auditOf, createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const HOUR = 3_600_000;

async function createUnverified(settings: Record<string, string> = {}) {
  const box = createMailbox(settings);
  const user = await createMailUser(box);
  const isVerified = async () => {
    const { body } = await send("/v1/users/me", { token: user.token, bindings: box.bindings });
    return body.email_verified as boolean;
  };
  return { box, user, isVerified, ...flowsOf(box) };
}

describe("POST /v1/auth/email/verify", () => {
  it("returns 200 with the user and a verified email, and records email.verified once", async () => {
    const { box, user, verify, isVerified } = await createUnverified();
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

  it("works once: a second use returns 400 invalid_token", async () => {
    const { box, user, verify } = await createUnverified();
    const token = box.tokenTo(user.email);
    expect((await verify(token)).status).toBe(200);
    expectProblem(await verify(token), 400, "invalid_token");
    expect(await sqlAll("SELECT * FROM one_time_tokens WHERE user_id = ?", user.id)).toEqual([]);
  });

  it("succeeds once for 10 concurrent requests, with one event", async () => {
    const { box, user, verify } = await createUnverified();
    const token = box.tokenTo(user.email);
    const answers = await Promise.all(Array.from({ length: 10 }, () => verify(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(400)]);
    expect(await actionsOn(user.id)).toEqual(["user.created", "email.verified"]);
  });

  it("works for exactly 24 hours", async () => {
    const clock = stopClock();
    const first = await createUnverified();
    const second = await createUnverified();
    clock.at(24 * HOUR - 1);
    expect((await first.verify(first.box.tokenTo(first.user.email))).status).toBe(200);
    clock.at(24 * HOUR);
    const late = await second.verify(second.box.tokenTo(second.user.email));
    expectProblem(late, 400, "invalid_token");
    expect(await actionsOn(second.user.id)).toEqual(["user.created"]);
  });

  it("refuses a token for another purpose", async () => {
    const { box, user, verify, forgot, isVerified } = await createUnverified();
    await forgot(user.email);
    expectProblem(await verify(box.tokenTo(user.email)), 400, "invalid_token");
    expect(await isVerified()).toBe(false);
  });

  it("refuses malformed tokens, altered tokens and stored hashes", async () => {
    const { box, user, verify, isVerified } = await createUnverified();
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

  it("does not make a one-time token valid as an access or refresh token", async () => {
    const { box, user } = await createUnverified();
    const token = box.tokenTo(user.email);
    expectProblem(await send("/v1/users/me", { token }), 401, "unauthenticated");
    const refresh = await send("/v1/auth/refresh", { body: { refresh_token: token } });
    expectProblem(refresh, 401, "invalid_refresh_token");
  });

  it("returns 422 for a missing, empty, long or non-string token, and for unknown fields", async () => {
    const { bindings } = createMailbox();
    const post = (body: unknown) => send("/v1/auth/email/verify", { body, bindings });
    expect(faultsOf(await post({}))).toEqual(["token required"]);
    expect(faultsOf(await post({ token: "" }))).toEqual(["token too_short"]);
    expect(faultsOf(await post({ token: "x".repeat(1537) }))).toEqual(["token too_long"]);
    expect(faultsOf(await post({ token: 7 }))).toEqual(["token invalid_type"]);
    expect((await post({ token: "x", email_verified: true })).status).toBe(422);
  });

  it("refuses the token of a deleted user", async () => {
    const { box, user, verify } = await createUnverified();
    await send("/v1/users/me", { method: "DELETE", token: user.token, bindings: box.bindings });
    expectProblem(await verify(box.tokenTo(user.email)), 400, "invalid_token");
  });

  it("refuses the token of a deleted user even after restoration", async () => {
    const { box, user, verify } = await createUnverified();
    const { token } = await createTestUser("admin");
    await send(`/v1/users/${user.id}`, { method: "DELETE", token });
    expect((await send(`/v1/users/${user.id}/restore`, { method: "POST", token })).status).toBe(
      200,
    );
    expectProblem(await verify(box.tokenTo(user.email)), 400, "invalid_token");
  });

  it("verifies only the address that the token was sent to", async () => {
    const { box, user, verify, isVerified } = await createUnverified();
    const email = `new.${user.email}`;
    await sqlRun("UPDATE users SET email = ?1, email_key = ?1 WHERE id = ?2", email, user.id);
    expectProblem(await verify(box.tokenTo(user.email)), 400, "invalid_token");
    expect(await isVerified()).toBe(false);
  });

  it("is needed again after an administrator changes a verified address", async () => {
    const { box, user, verify, isVerified } = await createUnverified();
    await verify(box.tokenTo(user.email));
    expect(await isVerified()).toBe(true);
    const { token } = await createTestUser("admin");
    const email = `new.${user.email}`;
    const change = { method: "PATCH", token, body: { email }, bindings: box.bindings };
    expect((await send(`/v1/users/${user.id}`, change)).body.email_verified).toBe(false);
    const answer = await verify(box.tokenTo(email));
    expect(answer.body).toMatchObject({ email, email_verified: true });
  });

  it("stores only the hash of the token", async () => {
    const { box, user } = await createUnverified();
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

  it("confirms nothing if its batch fails midway, and succeeds when retried", async () => {
    const { box, user, verify, isVerified } = await createUnverified();
    await sqlRun(`CREATE TRIGGER fail_audit BEFORE INSERT ON audit_events
      WHEN new.action = 'email.verified' BEGIN SELECT RAISE(ABORT, 'no'); END`);
    const failed = await verify(box.tokenTo(user.email));
    await sqlRun("DROP TRIGGER fail_audit");
    expectProblem(failed, 500, "internal_error");
    expect(await isVerified()).toBe(false);
    expect((await verify(box.tokenTo(user.email))).status).toBe(200);
  });
});
