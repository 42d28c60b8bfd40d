import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  ALL_REFUSED,
  allAuditOf,
  createTestUser,
  newEmail,
  sqlAll,
  sqlRun,
  statusesOf,
} from "../support/fixtures.ts";
import { createIntrospector, INACTIVE, introspect } from "../support/introspection.ts";
import { createMailbox, createMailUser, createVerifiedMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const disown = (token: string, bindings?: Cloudflare.Env) =>
  send("/v1/auth/email/disown", { body: { token }, ...(bindings && { bindings }) });

const exists = async ({ id }: { id: string }) =>
  (await sqlAll("SELECT id FROM users WHERE id = ?", id)).length === 1;

async function createUnproven() {
  const box = createMailbox();
  const user = await createMailUser(box);
  return { box, user, token: box.tokenTo(user.email), ...flowsOf(box) };
}

describe("POST /v1/auth/email/disown", () => {
  it("returns 204 and erases the account with its sessions and keys, by the link in the verification mail", async () => {
    const { box, user, token } = await createUnproven();
    const key = await createTestKey(user, ["me:read"]);
    const [mail] = box.to(user.email);
    expect(mail?.text).toContain(`https://roster.test/verify-email#disown=${token}`);
    expect(mail?.html).toContain(`href="https://roster.test/verify-email#disown=${token}"`);
    const answer = await disown(token);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: "" });
    expect(await exists(user)).toBe(false);
    expect(await statusesOf(user)).toEqual(ALL_REFUSED);
    expectProblem(await sendWithKey(key, "/v1/users/me"), 401, "unauthenticated");
    const event = (await allAuditOf(user.id)).at(-1);
    expect(event).toMatchObject({
      action: "user.erased",
      actor_type: "anonymous",
      metadata: { reason: "disowned" },
    });
  });

  it("frees the address for its owner", async () => {
    const { user, token } = await createUnproven();
    await disown(token);
    const body = { username: "owner", email: user.email, password: "SecurePass123!" };
    expect((await send("/v1/auth/register", { body })).status).toBe(201);
  });

  it("works once, also for 10 parallel requests, which record one event", async () => {
    const { user, token } = await createUnproven();
    const answers = await Promise.all(Array.from({ length: 10 }, () => disown(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(9).fill(400)]);
    const erased = (await allAuditOf(user.id)).filter(({ action }) => action === "user.erased");
    expect(erased).toHaveLength(1);
    expectProblem(await disown(token), 400, "invalid_token");
  });

  it("is refused once the address is verified, also if that happens meanwhile", async () => {
    const first = await createUnproven();
    expect((await first.verify(first.token)).status).toBe(200);
    expectProblem(await disown(first.token), 400, "invalid_token");
    const second = await createUnproven();
    const verify = () => second.verify(second.token);
    const bindings = beforeStatement(/^delete from "users"/m, verify, second.box.bindings);
    expectProblem(await disown(second.token, bindings), 400, "invalid_token");
    expect([await exists(first.user), await exists(second.user)]).toEqual([true, true]);
  });

  it("ends a session that begins meanwhile", async () => {
    const service = await createIntrospector();
    const { box, user, token, logIn } = await createUnproven();
    let late: { token: string; refreshToken: string } | undefined;
    const begin = async () => {
      const { body } = await logIn(user.username);
      late = { token: body.access_token, refreshToken: body.refresh_token };
    };
    const bindings = beforeStatement(/^delete from "users"/m, begin, box.bindings);
    expect((await disown(token, bindings)).status).toBe(204);
    expect(await exists(user)).toBe(false);
    if (!late) throw new Error("no session");
    expect(await statusesOf(late)).toEqual(ALL_REFUSED);
    expect((await introspect(service, late.token)).body).toEqual(INACTIVE);
  });

  it("is refused for an account whose verified address an administrator has replaced", async () => {
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    const { token } = await createTestUser("admin");
    const email = newEmail();
    const change = { method: "PATCH", token, body: { email }, bindings: box.bindings };
    expect((await send(`/v1/users/${user.id}`, change)).status).toBe(200);
    expectProblem(await disown(box.tokenTo(email)), 400, "invalid_token");
    expect(await exists(user)).toBe(true);
  });

  it("is refused for the last administrator", async () => {
    const { user, token } = await createUnproven();
    await sqlRun("UPDATE users SET role = 'user' WHERE role = 'admin'");
    await sqlRun("UPDATE users SET role = 'admin' WHERE id = ?", user.id);
    expectProblem(await disown(token), 400, "invalid_token");
    expect(await exists(user)).toBe(true);
  });

  it("refuses the token of every other mail", async () => {
    const { box, user, forgot, changeEmail } = await createUnproven();
    await forgot(user.email);
    expectProblem(await disown(box.tokenTo(user.email)), 400, "invalid_token");
    const email = newEmail();
    await changeEmail(user.token, email);
    expectProblem(await disown(box.tokenTo(email)), 400, "invalid_token");
    expectProblem(await disown("rot_x"), 400, "invalid_token");
    expect(faultsOf(await send("/v1/auth/email/disown", { body: {} }))).toEqual(["token required"]);
  });

  it("counts against the auth limit", async () => {
    const { bindings } = createMailbox({ RATE_LIMIT_AUTH: "1/60" });
    await disown("rot_x", bindings);
    expectProblem(await disown("rot_x", bindings), 429, "rate_limited");
  });
});
