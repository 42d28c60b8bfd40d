import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  addTotp,
  byRecoveryCode,
  createTotpUser,
  halfLogIn,
  insertPasskey,
  remainingCodes,
  removeFactor,
  requireFactor,
  sendPassword,
  verify,
} from "../support/factors.ts";
import { auditOf, createTestUser, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";
import { providerSettings } from "../support/providers.ts";

const list = (token: string, query = "") => send(`/v1/auth/factors${query}`, { token });
const rename = (token: string, id: string, body: object) =>
  send(`/v1/auth/factors/${id}`, { method: "PATCH", token, body });

const isEnabled = async ({ token }: { token: string }) =>
  (await send("/v1/users/me", { token })).body.mfa_enabled;

const UNKNOWN = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

describe("GET /v1/auth/factors", () => {
  it("lists one's own confirmed factors, the newest first, page by page", async () => {
    const user = await createTotpUser();
    await createTotpUser();
    const [older, newer] = [await insertPasskey(user.id), await insertPasskey(user.id)];
    const { body } = await list(user.token);
    const ids = body.data.map(({ id }: { id: string }) => id);
    expect(new Set(ids)).toEqual(new Set([user.factorId, older, newer]));
    expect(ids).toEqual([...ids].sort().reverse());
    expect(body.data.find(({ id }: { id: string }) => id === older)).toEqual({
      id: older,
      type: "passkey",
      name: "Key",
      created_at: "1970-01-01T00:00:00.000Z",
      last_used_at: null,
      backed_up: true,
    });
    const walked: string[] = [];
    let query = "?limit=1";
    for (;;) {
      const page = (await list(user.token, query)).body;
      walked.push(...page.data.map(({ id }: { id: string }) => id));
      if (!page.pagination.has_more) break;
      query = `?limit=1&cursor=${page.pagination.next_cursor}`;
    }
    expect(walked).toEqual(ids);
    const skipped = (await list(user.token, "?skip=1&limit=1")).body;
    expect(skipped).toMatchObject({ data: [{ id: ids[1] }], pagination: { skip: 1, total: 3 } });
    const other = await createTotpUser();
    const cursor = (await list(user.token, "?limit=1")).body.pagination.next_cursor;
    expect(faultsOf(await list(other.token, `?cursor=${cursor}`))).toEqual([
      "cursor invalid_cursor",
    ]);
  });
});

describe("PATCH /v1/auth/factors/{id}", () => {
  it("renames a factor, and records it under the person's data key", async () => {
    const { id, token, factorId } = await createTotpUser();
    const { status, body } = await rename(token, factorId, { name: " Work phone " });
    expect([status, body.name]).toEqual([200, "Work phone"]);
    expect((await list(token)).body.data[0].name).toBe("Work phone");
    const stored = await sqlAll("SELECT * FROM audit_events WHERE target_id = ?", id);
    expect(JSON.stringify(stored)).not.toContain("Work phone");
    expect((await auditOf(id)).at(-1)).toMatchObject({
      action: "factor.renamed",
      metadata: { factor_id: factorId, factor_type: "totp" },
      changes: '{"name":{"from":"Authenticator app","to":"Work phone"}}',
    });
  });

  it("with the same name, or none, changes nothing", async () => {
    const { id, token, factorId } = await createTotpUser();
    const before = await auditOf(id);
    for (const body of [{}, { name: "Authenticator app" }]) {
      expect((await rename(token, factorId, body)).status).toBe(200);
    }
    expect(await auditOf(id)).toEqual(before);
  });

  it("refuses names that are empty, too long or invisible, and other fields", async () => {
    const { token, factorId } = await createTotpUser();
    for (const body of [
      { name: "" },
      { name: "x".repeat(101) },
      { name: "a\u202e" },
      { type: "x" },
    ]) {
      expectProblem(await rename(token, factorId, body), 422, "validation_failed");
    }
    expect((await rename(token, factorId, { name: "😀".repeat(100) })).status).toBe(200);
  });

  it("is 404 for what is not one's own factor, or not confirmed", async () => {
    const { token } = await createTotpUser();
    const other = await createTestUser();
    const pending = await send("/v1/auth/factors/totp", { token: other.token, body: {} });
    const { factorId } = await createTotpUser();
    for (const [caller, id] of [
      [token, UNKNOWN],
      [token, factorId],
      [other.token, pending.body.id],
    ]) {
      expectProblem(await rename(caller, id, { name: "x" }), 404, "factor_not_found");
      expectProblem(await removeFactor(caller, id), 404, "factor_not_found");
    }
  });

  it("of a factor that is removed meanwhile is 404", async () => {
    const { token, factorId } = await createTotpUser();
    const bindings = beforeStatement(/^update "factors" set "name"/, () =>
      removeFactor(token, factorId),
    );
    const answer = await send(`/v1/auth/factors/${factorId}`, {
      method: "PATCH",
      token,
      body: { name: "x" },
      bindings,
    });
    expectProblem(answer, 404, "factor_not_found");
  });
});

describe("DELETE /v1/auth/factors/{id}", () => {
  it("of the last factor removes the recovery codes, and logins need no second factor", async () => {
    const user = await createTotpUser();
    const { status } = await removeFactor(user.token, user.factorId);
    expect(status).toBe(204);
    expect(await remainingCodes(user.token)).toBe(0);
    expect(await sqlAll("SELECT 1 FROM recovery_codes WHERE user_id = ?", user.id)).toEqual([]);
    expect(await isEnabled(user)).toBe(false);
    expect((await sendPassword(user.username)).status).toBe(200);
    expect((await auditOf(user.id)).at(-1)).toMatchObject({
      action: "factor.removed",
      metadata: { factor_id: user.factorId, factor_type: "totp" },
      changes: '{"name":{"from":"Authenticator app","to":null}}',
    });
    const again = await addTotp(user);
    expect(again.codes).toHaveLength(10);
  });

  it("of another factor leaves the recovery codes, which the next factor does not replace", async () => {
    const user = await createTotpUser();
    await insertPasskey(user.id);
    expect((await removeFactor(user.token, user.factorId)).status).toBe(204);
    expect([await isEnabled(user), await remainingCodes(user.token)]).toEqual([true, 10]);
    await sqlRun("UPDATE sessions SET proofs = json_set(proofs, '$.hwk', ?)", Date.now());
    const again = await addTotp(user);
    expect(again.codes).toBeUndefined();
    const [code = ""] = user.codes;
    expect((await verify(await halfLogIn(user), byRecoveryCode(code))).status).toBe(200);
  });

  it("is refused for the last factor of someone whose role requires one", async () => {
    const user = await createTotpUser();
    await requireFactor(user);
    expectProblem(await removeFactor(user.token, user.factorId), 409, "factor_required");
    const passkey = await insertPasskey(user.id);
    expect((await removeFactor(user.token, user.factorId)).status).toBe(204);
    expectProblem(await removeFactor(user.token, passkey), 409, "factor_required");
  });

  it("is refused if the role comes to require one meanwhile", async () => {
    const user = await createTotpUser();
    const bindings = beforeStatement(/^delete from "factors"/, () => requireFactor(user));
    const answer = await removeFactor(user.token, user.factorId, { bindings });
    expectProblem(answer, 409, "factor_required");
    expect(await isEnabled(user)).toBe(true);
  });

  it("is refused for the last passkey of someone without a password", async () => {
    const user = await createTestUser();
    await addTotp(user);
    const [one, two] = [await insertPasskey(user.id), await insertPasskey(user.id)];
    await sqlRun("UPDATE users SET password_hash = NULL WHERE id = ?", user.id);
    expect((await removeFactor(user.token, one)).status).toBe(204);
    expectProblem(await removeFactor(user.token, two), 409, "last_login_method");
  });

  it("of the last passkey is allowed while an identity or login by email remains", async () => {
    const box = createMailbox({ EMAIL_LOGIN: "on", ...providerSettings() });
    const options = { bindings: box.bindings };
    const removeOf = async (change: string) => {
      const user = await createTotpUser();
      const passkey = await insertPasskey(user.id);
      await sqlRun("UPDATE users SET password_hash = NULL WHERE id = ?", user.id);
      await sqlRun(change, user.id);
      return removeFactor(user.token, passkey, options);
    };
    const unverified = await removeOf("UPDATE users SET email_verified = 0 WHERE id = ?");
    expectProblem(unverified, 409, "last_login_method");
    expect((await removeOf("UPDATE users SET email_verified = 1 WHERE id = ?")).status).toBe(204);
    const linked = "INSERT INTO identities VALUES ('i', ?, 'idp', 'iss', 'sub', NULL, 0, NULL)";
    expect((await removeOf(linked)).status).toBe(204);
  });

  it("is refused if the password is removed meanwhile", async () => {
    const user = await createTotpUser();
    const passkey = await insertPasskey(user.id);
    const removed = "UPDATE users SET password_hash = NULL WHERE id = ?";
    const bindings = beforeStatement(/^delete from "factors"/, () => sqlRun(removed, user.id));
    const answer = await removeFactor(user.token, passkey, { bindings });
    expectProblem(answer, 409, "last_login_method");
  });

  it("of two factors at once by a role that requires one leaves one", async () => {
    const user = await createTotpUser();
    const passkey = await insertPasskey(user.id);
    await requireFactor(user);
    const answers = await Promise.all([
      removeFactor(user.token, user.factorId),
      removeFactor(user.token, passkey),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
    expect(await isEnabled(user)).toBe(true);
  });
});

describe("a reset of the password", () => {
  const NEW = "another pass phrase";

  async function createOwner(isVerified: boolean) {
    const box = createMailbox();
    const { bindings } = box;
    const user: TestUser = await createMailUser(box);
    if (isVerified) await flowsOf(box).verify(box.tokenTo(user.email));
    const added = await addTotp(user, { bindings });
    await flowsOf(box).forgot(user.email);
    expect((await flowsOf(box).reset(box.tokenTo(user.email), NEW)).status).toBe(204);
    const login = await flowsOf(box).logIn(user.username, NEW);
    return { user: added, login };
  }

  it("leaves the factors", async () => {
    const { login } = await createOwner(true);
    expectProblem(login, 401, "mfa_required");
  });

  it("that proves the address for the first time removes them: a stranger may have added them", async () => {
    const { user, login } = await createOwner(false);
    expect(login.status).toBe(200);
    const rows = await sqlAll("SELECT user_id FROM factors WHERE user_id = ?1", user.id);
    const codes = await sqlAll("SELECT user_id FROM recovery_codes WHERE user_id = ?1", user.id);
    expect([rows, codes]).toEqual([[], []]);
    expect(await isEnabled({ token: login.body.access_token })).toBe(false);
  });
});
