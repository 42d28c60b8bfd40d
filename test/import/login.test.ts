import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, sqlAll } from "../support/fixtures.ts";
import { FIREBASE_ACCOUNT, FIREBASE_PARAMETERS } from "../support/foreign-hashes.ts";
import { expectProblem } from "../support/problems.ts";
import { derivedIterations } from "../support/setup.ts";

const BCRYPT = {
  password: "a",
  hash: "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe",
};

let counter = 0;

async function importUser(password_hash: string, more: object = {}) {
  counter += 1;
  const { token } = await createTestUser("admin");
  const email = `moved${counter}@example.com`;
  const data = [{ email, password_hash, ...more }];
  const body = { data, hash_parameters: FIREBASE_PARAMETERS };
  const answer = await send("/v1/users/import", { token, body });
  return { id: answer.body.data[0].id as string, email, token, text: answer.text };
}

const logIn = (email: string, password: string) =>
  send("/v1/auth/login", { body: { email, password } });

const storedHash = async (id: string) =>
  (await sqlAll<{ password_hash: string }>("SELECT password_hash FROM users WHERE id = ?", id))[0]
    ?.password_hash ?? "";

describe("a login with an imported hash", () => {
  it("works with the old password, and replaces the hash by one of ours", async () => {
    const { id, email } = await importUser(BCRYPT.hash);
    expect(await storedHash(id)).toBe(BCRYPT.hash);
    expect((await logIn(email, BCRYPT.password)).status).toBe(200);
    expect(await storedHash(id)).toMatch(/^\$pbkdf2-sha256-chain\$/);
    expect((await logIn(email, BCRYPT.password)).status).toBe(200);
  });

  it("is refused with another password like any login, and keeps the hash", async () => {
    const { id, email } = await importUser(BCRYPT.hash);
    expectProblem(await logIn(email, "b"), 401, "invalid_credentials");
    expectProblem(await logIn(email, BCRYPT.hash), 401, "invalid_credentials");
    expect(await storedHash(id)).toBe(BCRYPT.hash);
  });

  it("locks out after ten wrong passwords, like any account", async () => {
    const { email } = await importUser(BCRYPT.hash);
    for (let i = 0; i < 10; i += 1) await logIn(email, `wrong${i}`);
    expectProblem(await logIn(email, BCRYPT.password), 429, "too_many_attempts");
  });

  it("takes the work of one of our hashes besides, whether or not the password is right", async () => {
    const { email } = await importUser(BCRYPT.hash);
    const work = async (password: string) => {
      derivedIterations.length = 0;
      await logIn(email, password);
      return [...derivedIterations];
    };
    expect(await work("b")).toEqual([1000]);
    expect(await work(BCRYPT.password)).toEqual([1000]);
  });

  it("is refused to a user who is not active", async () => {
    const { email } = await importUser(BCRYPT.hash, { is_active: false });
    expectProblem(await logIn(email, BCRYPT.password), 401, "invalid_credentials");
  });

  it("works with Firebase's parameters, which nothing returns", async () => {
    const { id, email, token, text } = await importUser(FIREBASE_ACCOUNT.hash);
    const key = FIREBASE_PARAMETERS.base64_signer_key;
    expect(await storedHash(id)).toContain(key);
    const shown = [text];
    for (const path of ["", "/export"])
      shown.push((await send(`/v1/users/${id}${path}`, { token })).text);
    expect(shown.join("\n")).not.toContain(key.slice(0, 20));
    expect((await logIn(email, FIREBASE_ACCOUNT.password)).status).toBe(200);
    expect(await storedHash(id)).not.toContain(key);
  });
});
