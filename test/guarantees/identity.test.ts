import { expect, it } from "vitest";
import { send } from "../support/api.ts";
import { newAccount, PASSWORD, sqlAll } from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const register = (fields: object) => send("/v1/auth/register", { body: newAccount({ ...fields }) });

it("names: normalise first, then validate, then compare", async () => {
  // Normalised first: three characters, of which one composes to three more, are long enough.
  const { body } = await register({ username: "\uFB03" });
  expect(body.username).toBe("ffi");
  // Validated as normalised: 17 of these are 51 letters.
  expect(faultsOf(await register({ username: "\uFB03".repeat(17) }))).toEqual([
    "username too_long",
  ]);
  expect((await register({ username: "\uFB03".repeat(16) })).status).toBe(201);
  // A full-width @ becomes a character that usernames must not have, and the local part of an email may not have either.
  expect(faultsOf(await register({ username: "ada\uFF20x" }))).toEqual(["username invalid_format"]);
  expect(faultsOf(await register({ email: "ada\uFF20x@shop.example" }))).toEqual([
    "email invalid_format",
  ]);
  // Compared as normalised.
  for (const username of ["FFI", "ﬀi", "\uFB03"]) {
    expectProblem(await register({ username }), 409, "username_taken");
  }
  const stored = await sqlAll("SELECT id FROM users WHERE username_key = 'ffi'");
  expect(stored.length).toBe(1);
  const login = { username: "ＦＦＩ", password: PASSWORD };
  expect((await send("/v1/auth/login", { body: login })).status).toBe(200);
});
