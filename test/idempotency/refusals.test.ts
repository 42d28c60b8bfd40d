import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createAuthenticator } from "../support/authenticator.ts";
import { createHolder, createTestKey, roleOf, setRole } from "../support/credentials.ts";
import { beforeEachStatement, beforeStatement } from "../support/d1.ts";
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
import { createIsolate } from "../support/isolates.ts";
import { registrationOptions } from "../support/passkeys.ts";
import { expectProblem } from "../support/problems.ts";

const UNKNOWN_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

let admin: TestUser;

beforeAll(async () => {
  admin = await createTestUser("admin");
  await sqlRun("INSERT INTO custom_permissions VALUES ('tests:taken', '', 0)");
});

describe("a refusal by the service is the answer to repetitions, too", () => {
  it("409 email_taken, even once the email is free", async () => {
    const creation = await newCreation("POST /v1/auth/register");
    const { body: holder } = await send(creation.path, creation.options);
    const first = await sendKeyed("taken", creation);
    expectProblem(first, 409, "email_taken");
    await sqlRun("UPDATE users SET deleted_at = 1 WHERE id = ?", holder.id);
    const second = await sendKeyed("taken", creation);
    expect(isReplayed(second)).toBe(true);
    expect(contentOf(second)).toEqual(contentOf(first));
    expect(await creation.count()).toBe(1);
  });

  it("400 invalid_credential of a passkey", async () => {
    const [user, other] = [await createTestUser(), await createTestUser()];
    const options = await registrationOptions(other.token);
    const body = { name: "Laptop", credential: await createAuthenticator().register(options) };
    const request = { path: "/v1/auth/factors/passkeys", options: { token: user.token, body } };
    const first = await sendKeyed("not-mine", request);
    expectProblem(first, 400, "invalid_credential");
    const second = await sendKeyed("not-mine", request);
    expect(isReplayed(second)).toBe(true);
    expect(contentOf(second)).toEqual(contentOf(first));
  });

  it.each([
    ["409 role_exists", "/v1/roles", { name: "admin", permissions: [] }],
    ["409 permission_exists", "/v1/permissions", { name: "tests:taken" }],
    ["404 user_not_found", "/v1/api-keys", { name: "x", scopes: [], user_id: UNKNOWN_ID }],
    ["404 api_key_not_found", `/v1/api-keys/${UNKNOWN_ID}/rotate`, undefined],
    ["422 validation_failed", "/v1/users", newAccount({ password: "password1" })],
    ["422 validation_failed", "/v1/users", newAccount({ role: "nobodys" })],
    ["422 validation_failed", "/v1/roles", { name: "vague", permissions: ["no:such"] }],
    ["422 validation_failed", "/v1/auth/register", newAccount({ password: "password1" })],
  ])("%s: POST %s", async (problem, path, body) => {
    const key = crypto.randomUUID();
    const options = { method: "POST", token: admin.token, ...(body && { body }) };
    const first = await sendKeyed(key, { path, options });
    expect(`${first.status} ${first.body.code}`).toBe(problem);
    expect(isReplayed(first)).toBe(false);
    const second = await sendKeyed(key, { path, options });
    expect(isReplayed(second)).toBe(true);
    expect(contentOf(second)).toEqual(contentOf(first));
  });

  it("412 version_conflict; with another If-Match it is another request", async () => {
    const { id } = await createTestKey(admin, []);
    const rotate = (etag: string) =>
      sendKeyed("rotate", {
        path: `/v1/api-keys/${id}/rotate`,
        options: { method: "POST", token: admin.token, headers: { "If-Match": etag } },
      });
    expectProblem(await rotate('"9"'), 412, "version_conflict");
    const again = await rotate('"9"');
    expect([again.status, isReplayed(again)]).toEqual([412, true]);
    expectProblem(await rotate('"1"'), 422, "idempotency_key_reused");
  });

  it("while it is stored, a concurrent request of the same key has created it: that is the answer", async () => {
    const creation = await newCreation("POST /v1/auth/register");
    const key = crypto.randomUUID();
    const bindings = beforeStatement(/^insert into "users"/, () => sendKeyed(key, creation));
    const late = await sendKeyed(key, creation, { bindings });
    expect([late.status, isReplayed(late)]).toEqual([201, true]);
    expect(contentOf(await sendKeyed(key, creation))).toEqual(contentOf(late));
  });
});

describe("not stored, so that the same key can be sent again once the reason has passed:", () => {
  it("400, 413 and 415: the body was not read", async () => {
    const { path } = await newCreation("POST /v1/auth/register");
    const before = await countAnswers();
    const json = { "Content-Type": "application/json" };
    for (const [raw, headers, status] of [
      ["{", json, 400],
      ["x".repeat(70_000), json, 413],
      ["{}", { "Content-Type": "text/plain" }, 415],
    ] as const) {
      const answer = await sendKeyed("body", { path, options: { raw, headers } });
      expect(answer.status).toBe(status);
    }
    expect(await countAnswers()).toBe(before);
  });

  it("422 of a request that does not match the schema: nothing was done", async () => {
    const creation = await newCreation("POST /v1/users", admin);
    const invalid = { ...creation.options, body: { ...creation.options.body, username: "a b" } };
    const refused = await sendKeyed("schema", { ...creation, options: invalid });
    expectProblem(refused, 422, "validation_failed");
    expect((await sendKeyed("schema", creation)).status).toBe(201);
  });

  it.each(CREATION_NAMES.filter((name) => !name.includes("register")))(
    "401 and 403: %s",
    async (name) => {
      const creation = await newCreation(name, admin);
      const key = crypto.randomUUID();
      const before = await countAnswers();
      const { token } = await createTestUser();
      expectProblem(await sendKeyed(key, creation, { token: "" }), 401, "unauthenticated");
      if (!isForOneself(name)) {
        expect((await sendKeyed(key, creation, { token })).status).toBe(403);
      }
      expect(await countAnswers()).toBe(before);
      const answer = await sendKeyed(key, creation);
      expect([answer.status < 300, isReplayed(answer)]).toEqual([true, false]);
    },
  );

  it("403 privilege_escalation and registration_closed", async () => {
    const holder = await createHolder("users:create", "roles:assign");
    const creation = await newCreation("POST /v1/users", holder);
    const body = { ...creation.options.body, role: "admin" };
    const create = () =>
      sendKeyed("escalation", { ...creation, options: { ...creation.options, body } });
    expectProblem(await create(), 403, "privilege_escalation");
    await setRole(holder, "admin");
    expect((await create()).status).toBe(201);

    const registration = await newCreation("POST /v1/auth/register");
    const bindings = createIsolate({ REGISTRATION: "closed" });
    const closed = await sendKeyed("closed", registration, { bindings });
    expectProblem(closed, 403, "registration_closed");
    expect((await sendKeyed("closed", registration)).status).toBe(201);
  });

  it("429", async () => {
    const bindings = createIsolate({ RATE_LIMIT_AUTH: "1/60" });
    const creation = await newCreation("POST /v1/auth/register");
    await send(creation.path, { body: {}, bindings });
    const before = await countAnswers();
    expectProblem(await sendKeyed("limited", creation, { bindings }), 429, "rate_limited");
    expect(await countAnswers()).toBe(before);
    expect((await sendKeyed("limited", creation)).status).toBe(201);
  });

  it("503 without email, and 500", async () => {
    const creation = await newCreation("POST /v1/users", admin);
    const { password: _, ...body } = creation.options.body ?? {};
    const invitation = { ...creation, options: { ...creation.options, body } };
    const bindings = createIsolate({ MAIL_TRANSPORT: "off" });
    const refused = await sendKeyed("invited", invitation, { bindings });
    expectProblem(refused, 503, "mail_not_configured");
    const broken = faultyBindings({ d1: at(/insert into "users"/), d1Message: "no such column" });
    expectProblem(
      await sendKeyed("invited", invitation, { bindings: broken }),
      500,
      "internal_error",
    );
    expect((await sendKeyed("invited", invitation)).status).toBe(201);
  });

  it("409 edit_conflict", async () => {
    const { id } = await createTestKey(admin, []);
    const rotation = {
      path: `/v1/api-keys/${id}/rotate`,
      options: { method: "POST", token: admin.token },
    };
    const rotateFirst = () => send(rotation.path, rotation.options);
    const bindings = beforeStatement(/^update "api_keys" set "prefix"/, rotateFirst);
    expectProblem(await sendKeyed("overtaken", rotation, { bindings }), 409, "edit_conflict");
    const again = await sendKeyed("overtaken", rotation);
    expect([again.status, isReplayed(again)]).toEqual([200, false]);
  });
});

describe("a refusal that cannot be stored", () => {
  it("is 503: a concurrent request of the same key may have succeeded", async () => {
    const creation = await newCreation("POST /v1/auth/register");
    await send(creation.path, creation.options);
    const bindings = faultyBindings({ d1: at(/insert into "idempotency_keys".*on conflict/s) });
    const refused = await sendKeyed("unstored", creation, { bindings });
    expectProblem(refused, 503, "service_unavailable");
    expectProblem(await sendKeyed("unstored", creation), 409, "email_taken");
  });

  it("because its caller was erased meanwhile is given, and leaves nothing", async () => {
    const other = await createTestUser("admin");
    const path = "/v1/roles";
    const options = { token: other.token, body: { name: "admin", permissions: [] } };
    const bindings = beforeStatement(/on conflict do nothing/, () =>
      sqlRun("DELETE FROM users WHERE id = ?", other.id),
    );
    const before = await countAnswers();
    expectProblem(await sendKeyed("gone", { path, options }, { bindings }), 409, "role_exists");
    expect(await countAnswers()).toBe(before);
  });
});

describe("a repetition is decided on like any request:", () => {
  it.each(CREATION_NAMES.filter((name) => !name.includes("register")))(
    "%s after the caller logged out, or lost the permission",
    async (name) => {
      const caller = await createTestUser("admin");
      const creation = await newCreation(name, caller);
      const key = crypto.randomUUID();
      expect((await sendKeyed(key, creation)).status).toBeLessThan(300);
      await setRole(caller, "user");
      const isAllowed = isForOneself(name);
      expect((await sendKeyed(key, creation)).status === 403).toBe(!isAllowed);
      await setRole(caller, "admin");
      await send("/v1/auth/logout", { method: "POST", token: caller.token });
      expectProblem(await sendKeyed(key, creation), 401, "unauthenticated");
    },
  );

  it("after the caller lost what the new user's role needs: no response with their data", async () => {
    const caller = await createTestUser("admin");
    const creation = await newCreation("POST /v1/users", caller);
    const body = { ...creation.options.body, role: "moderator" };
    const create = () => sendKeyed("role", { ...creation, options: { ...creation.options, body } });
    expect((await create()).status).toBe(201);
    await setRole(caller, await roleOf(["users:create"]));
    expectProblem(await create(), 403, "forbidden");
    await setRole(caller, await roleOf(["users:create", "roles:assign"]));
    expectProblem(await create(), 403, "privilege_escalation");
  });

  it.each(["POST /v1/api-keys", "POST /v1/api-keys/{id}/rotate"])(
    "%s after the caller lost the scopes of the key: no secret",
    async (name) => {
      const caller = await createTestUser("moderator");
      const creation = await newCreation(name, caller);
      const key = crypto.randomUUID();
      expect((await sendKeyed(key, creation)).status).toBeLessThan(300);
      await setRole(caller, "user");
      expectProblem(await sendKeyed(key, creation), 403, "privilege_escalation");
      await setRole(caller, "moderator");
      expect(isReplayed(await sendKeyed(key, creation))).toBe(true);
    },
  );

  it("when it comes too often: 429", async () => {
    const creation = await newCreation("POST /v1/auth/register");
    const bindings = createIsolate({ RATE_LIMIT_AUTH: "2/60" });
    const statuses = [];
    for (let i = 0; i < 3; i += 1) {
      statuses.push((await sendKeyed("often", creation, { bindings, ip: "198.51.100.9" })).status);
    }
    expect(statuses).toEqual([201, 201, 429]);
  });
});

describe("a repetition does no work of its own", () => {
  it("hashes no password, and sends only the lookup", async () => {
    const creation = await newCreation("POST /v1/auth/register");
    await sendKeyed("work", creation);
    const { derivedIterations } = await import("../support/setup.ts");
    derivedIterations.length = 0;
    const statements: string[] = [];
    const bindings = beforeEachStatement(/^/, async () => {
      statements.push("sent");
    });
    expect(isReplayed(await sendKeyed("work", creation, { bindings }))).toBe(true);
    expect(derivedIterations).toEqual([]);
    expect(statements).toHaveLength(1);
    expect(
      await sqlAll("SELECT 1 FROM users WHERE username = ?", creation.options.body?.username),
    ).toHaveLength(1);
  });
});
