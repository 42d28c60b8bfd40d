import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import { at, faultyBindings } from "../support/faults.ts";
import { createTestUser, newAccount, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import {
  CREATION_NAMES,
  contentOf,
  countAnswers,
  isForOneself,
  isReplayed,
  newCreation,
  sendKeyed,
} from "../support/idempotency.ts";
import { createMailbox } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

/** The statement that changes something, by operation. */
const CHANGES: Readonly<Record<string, RegExp>> = {
  "POST /v1/auth/register": /^insert into "users"/,
  "POST /v1/users": /^insert into "users"/,
  "POST /v1/roles": /^insert into "roles"/,
  "POST /v1/permissions": /^insert into "custom_permissions"/,
  "POST /v1/api-keys": /^insert into "api_keys"/,
  "POST /v1/api-keys/{id}/rotate": /^update "api_keys"/,
  "POST /v1/auth/factors/totp": /^insert into "factors"/m,
  "POST /v1/auth/factors/passkeys": /^insert into "factors"/m,
  "POST /v1/auth/recovery-codes": /^insert into "recovery_codes"/,
};

let admin: TestUser;

beforeAll(async () => {
  admin = await createTestUser("admin");
});

describe.each(CREATION_NAMES)("%s", (name) => {
  const change = CHANGES[name] ?? /^$/;

  it("twenty times at once with one key: done once, and everybody gets the same response", async () => {
    const creation = await newCreation(name, admin);
    const key = crypto.randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => sendKeyed(key, creation)));
    expect(new Set(answers.map(({ status }) => status)).size).toBe(1);
    expect(answers[0]?.status).toBeLessThan(300);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter((answer) => !isReplayed(answer))).toHaveLength(1);
    expect(await creation.count()).toBe(1);
    const id = answers[0]?.body.id ?? answers[0]?.body.name;
    const action = name.endsWith("rotate") ? "%.rotated" : "%.created";
    const events = await sqlAll(
      "SELECT id FROM audit_events WHERE target_id = ? AND action LIKE ?",
      id ?? "",
      action,
    );
    // What one adds to one's own account is recorded as an event of the account, or once it is confirmed.
    const isOwn = isForOneself(name) && !name.endsWith("register");
    expect(events).toHaveLength(isOwn ? 0 : 1);
  });

  it("again just before the first one changes something: the second one's response to both", async () => {
    const creation = await newCreation(name, admin);
    const key = crypto.randomUUID();
    let faster: Awaited<ReturnType<typeof sendKeyed>> | undefined;
    const bindings = beforeStatement(change, async () => {
      faster = await sendKeyed(key, creation);
    });
    const late = await sendKeyed(key, creation, { bindings });
    if (!faster) throw new Error("there was no second request");
    expect([isReplayed(faster), isReplayed(late)]).toEqual([false, true]);
    expect(contentOf(late)).toEqual(contentOf(faster));
    expect(await creation.count()).toBe(1);
  });

  it("again with another body just before the first one changes something: 422 to the first", async () => {
    const creation = await newCreation(name, admin);
    const other = { ...creation, options: { ...creation.options, body: creation.otherBody } };
    const key = crypto.randomUUID();
    const bindings = beforeStatement(change, () => sendKeyed(key, other));
    const late = await sendKeyed(key, creation, { bindings });
    expectProblem(late, 422, "idempotency_key_reused");
    expect(isReplayed(await sendKeyed(key, other))).toBe(true);
    expect(await creation.count()).toBe(1);
  });

  it("fails midway: nothing is left, and the same key works afterwards", async () => {
    const creation = await newCreation(name, admin);
    const key = crypto.randomUUID();
    const before = await countAnswers();
    await sqlRun(
      "CREATE TRIGGER fail_answers BEFORE INSERT ON idempotency_keys BEGIN SELECT RAISE(ABORT, 'test'); END",
    );
    const failed = await sendKeyed(key, creation);
    await sqlRun("DROP TRIGGER fail_answers");
    expectProblem(failed, 500, "internal_error");
    expect([await creation.count(), await countAnswers()]).toEqual([0, before]);
    const answer = await sendKeyed(key, creation);
    expect([answer.status < 300, isReplayed(answer)]).toEqual([true, false]);
  });

  it("whose response from D1 is lost after the commit: 503, and the repetition gets the response", async () => {
    const creation = await newCreation(name, admin);
    const key = crypto.randomUUID();
    const lost = await sendKeyed(key, creation, {
      bindings: faultyBindings({ d1AnswerLost: at(change) }),
    });
    expectProblem(lost, 503, "service_unavailable");
    const answer = await sendKeyed(key, creation);
    expect([answer.status < 300, isReplayed(answer)]).toEqual([true, true]);
    expect(await creation.count()).toBe(1);
  });
});

describe("several at once", () => {
  it("cause one email", async () => {
    const box = createMailbox();
    const creation = await newCreation("POST /v1/auth/register");
    const post = () => sendKeyed("mail", creation, { bindings: box.bindings });
    await Promise.all([post(), post(), post()]);
    await post();
    expect(box.sent.filter(({ to }) => to === creation.options.body?.email)).toHaveLength(1);
  });

  it("with different keys and one email: one is created, and the others keep their 409", async () => {
    const body = newAccount();
    const post = (key: string) => sendKeyed(key, { path: "/v1/auth/register", options: { body } });
    const keys = ["k1", "k2", "k3", "k4"];
    const first = await Promise.all(keys.map(post));
    expect(first.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    const second = await Promise.all(keys.map(post));
    expect(second.map(contentOf)).toEqual(first.map(contentOf));
    expect(second.every(isReplayed)).toBe(true);
  });

  it("whose winner's response cannot be read: 409 request_in_progress, until it can", async () => {
    const creation = await newCreation("POST /v1/api-keys", admin);
    const overtaken = beforeStatement(/^insert into "api_keys"/, () =>
      sendKeyed("progress", creation),
    );
    // Stands for a reader that does not see the row yet.
    const bindings = beforeStatement(
      /^select "id", "sealed_answer"/,
      () => sqlRun("UPDATE idempotency_keys SET id = 'hidden ' || id WHERE id NOT LIKE 'hidden %'"),
      overtaken,
    );
    expectProblem(await sendKeyed("progress", creation, { bindings }), 409, "request_in_progress");
    await sqlRun("UPDATE idempotency_keys SET id = substr(id, 8) WHERE id LIKE 'hidden %'");
    expect(isReplayed(await sendKeyed("progress", creation))).toBe(true);
    expect(await creation.count()).toBe(1);
  });

  it("of an API key: the email about it is sent once", async () => {
    const box = createMailbox();
    await sqlRun("UPDATE users SET email_verified = 1 WHERE id = ?", admin.id);
    const creation = await newCreation("POST /v1/api-keys", admin);
    const bindings = box.bindings;
    const post = () => sendKeyed("notice", creation, { bindings });
    await Promise.all([post(), post(), post(), post()]);
    expect(box.sent.filter(({ to }) => to === admin.email)).toHaveLength(1);
    expect((await send("/v1/auth/me", { token: admin.token })).status).toBe(200);
  });
});
