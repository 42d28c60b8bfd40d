import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { roleOf } from "../support/credentials.ts";
import { actionsOn, createTestUser } from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const USER_FIELDS = {
  id: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11",
  email_verified: true,
  full_name: "Somebody Else",
  has_password: false,
  mfa_enabled: true,
  created_at: "2020-01-01T00:00:00.000Z",
  updated_at: "2020-01-01T00:00:00.000Z",
  last_login_at: null,
  deleted_at: "2020-01-01T00:00:00.000Z",
};

async function readMe(token: string) {
  const { body, headers } = await send("/v1/users/me", { token });
  return { user: body, etag: headers.get("ETag") ?? "" };
}

describe("PUT of what GET returned", () => {
  it("of a user succeeds and changes nothing, with and without If-Match", async () => {
    const { id, token } = await createTestUser();
    const { user, etag } = await readMe(token);
    for (const headers of [{}, { "If-Match": etag }]) {
      const answer = await send(`/v1/users/${id}`, { method: "PUT", token, body: user, headers });
      expect([answer.status, answer.body]).toEqual([200, user]);
    }
    expect(await actionsOn(id)).not.toContain("user.updated");
  });

  it("of a user with another name changes the name", async () => {
    const { token } = await createTestUser();
    const { user } = await readMe(token);
    const body = { ...user, first_name: "Ada" };
    const answer = await send("/v1/users/me", { method: "PUT", token, body });
    expect(answer.body).toMatchObject({ first_name: "Ada", full_name: "Ada" });
  });

  it.each(Object.entries(USER_FIELDS))(
    "of a user with another %s returns 422 read_only and changes nothing",
    async (field, value) => {
      const { id, token } = await createTestUser();
      const { user } = await readMe(token);
      const body = { ...user, first_name: "Ada", [field]: value };
      const answer = await send(`/v1/users/${id}`, { method: "PUT", token, body });
      expectProblem(answer, 422, "validation_failed");
      expect(faultsOf(answer)).toEqual([`${field} read_only`]);
      expect((await readMe(token)).user.first_name).toBeNull();
    },
  );

  it("of a user with a read-only field of another type returns 422 read_only", async () => {
    const { token } = await createTestUser();
    const { user } = await readMe(token);
    const body = { ...user, id: 7, email_verified: "no" };
    expect(faultsOf(await send("/v1/users/me", { method: "PUT", token, body }))).toEqual([
      "email_verified read_only",
      "id read_only",
    ]);
  });

  it("with a stale If-Match returns 412, because the version explains the difference", async () => {
    const { token } = await createTestUser();
    const { user, etag } = await readMe(token);
    await send("/v1/users/me", { method: "PATCH", token, body: { first_name: "Ada" } });
    const headers = { "If-Match": etag };
    const answer = await send("/v1/users/me", { method: "PUT", token, body: user, headers });
    expectProblem(answer, 412, "version_conflict");
  });

  it("of a profile succeeds, when it is empty and when it is not", async () => {
    const { token } = await createTestUser();
    const path = "/v1/users/me/profile";
    for (const fields of [{}, { locale: "de", metadata: { a: 1 } }]) {
      const before = (await send(path, { method: "PUT", token, body: fields })).body;
      const answer = await send(path, { method: "PUT", token, body: before });
      expect([answer.status, answer.body]).toEqual([200, before]);
    }
  });

  it("of a role succeeds, and another name, time or is_system returns 422 read_only", async () => {
    const { token } = await createTestUser("admin");
    const path = `/v1/roles/${await roleOf(["users:read"])}`;
    const role = (await send(path, { token })).body;
    const put = (body: object) => send(path, { method: "PUT", token, body });
    expect((await put(role)).status).toBe(200);
    const { name: _, ...rest } = role;
    expect((await put(rest)).status).toBe(200);
    const changed = { name: "other", is_system: true, created_at: "2020", updated_at: "2020" };
    expect(faultsOf(await put({ ...role, ...changed }))).toEqual([
      "created_at read_only",
      "is_system read_only",
      "name read_only",
      "updated_at read_only",
    ]);
  });
});

describe("PATCH", () => {
  it("refuses every read-only field of a user, unchanged ones too", async () => {
    const { token } = await createTestUser();
    const { user } = await readMe(token);
    const body = Object.fromEntries(Object.keys(USER_FIELDS).map((name) => [name, user[name]]));
    const answer = await send("/v1/users/me", { method: "PATCH", token, body });
    expect(faultsOf(answer)).toEqual(
      Object.keys(USER_FIELDS)
        .map((name) => `${name} read_only`)
        .sort(),
    );
  });
});
