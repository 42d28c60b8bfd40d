import { beforeAll, describe, expect, it } from "vitest";
import { type RequestOptions, send } from "../support/api.ts";
import { createTestKey } from "../support/credentials.ts";
import { overtakeChanges } from "../support/d1.ts";
import { codeOf, createTotpUser } from "../support/factors.ts";
import { auditOf, createTestUser, type TestUser } from "../support/fixtures.ts";
import { createMailbox, createMailUser } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

let admin: TestUser;

beforeAll(async () => {
  admin = await createTestUser("admin");
});

/** Sends a change of a user, which another change always comes before. */
async function overtake(path: string, options: RequestOptions): Promise<void> {
  const bindings = overtakeChanges(options.bindings);
  expectProblem(await send(path, { ...options, bindings }), 409, "edit_conflict");
}

describe("a change that others come before at every attempt returns 409 edit_conflict", () => {
  it.each(["PUT", "PATCH"])("%s of a profile", async (method) => {
    const { token } = await createTestUser();
    await overtake("/v1/users/me/profile", { method, token, body: { bio: "New." } });
  });

  it.each(["password/expire", "email/mark-verified"])(
    "POST %s of another user, and records nothing",
    async (operation) => {
      const user = await createTestUser();
      const before = await auditOf(user.id);
      const { token } = admin;
      await overtake(`/v1/users/${user.id}/${operation}`, { method: "POST", token });
      expect(await auditOf(user.id)).toEqual(before);
    },
  );

  it("the end of a lock-out", async () => {
    const user = await createTestUser();
    await send("/v1/auth/login", { body: { username: user.username, password: "wrong one" } });
    await overtake(`/v1/users/${user.id}/unlock`, { method: "POST", token: admin.token });
  });

  it("the end of another user's second factors, and a new name of one's own", async () => {
    const user = await createTotpUser();
    await overtake(`/v1/users/${user.id}/factors`, { method: "DELETE", token: admin.token });
    const { body } = await send("/v1/auth/factors", { token: user.token });
    await overtake(`/v1/auth/factors/${body.data[0].id}`, {
      method: "PATCH",
      token: user.token,
      body: { name: "New" },
    });
  });

  it("the confirmation of an authenticator app", async () => {
    const { token } = await createTestUser();
    const { body } = await send("/v1/auth/factors/totp", { token, body: {} });
    const { id, secret } = body;
    const code = await codeOf(secret);
    await overtake("/v1/auth/factors/totp/confirm", { token, body: { id, code } });
  });

  it("the end of an API key", async () => {
    const user = await createTestUser();
    const { id } = await createTestKey(user, []);
    await overtake(`/v1/api-keys/${id}`, { method: "DELETE", token: user.token });
  });

  it("an account that its address disowns", async () => {
    const box = createMailbox();
    const { email } = await createMailUser(box);
    const { bindings } = box;
    await overtake("/v1/auth/email/disown", { body: { token: box.tokenTo(email) }, bindings });
  });
});
