import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { newAccount, sqlAll } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";
import { jwkSet, octJwk } from "../support/tokens.ts";

const withPeppers = (...kids: string[]) =>
  ({
    ...env,
    PEPPER_KEYS: jwkSet(...kids.map((kid) => octJwk(kid, kid.charCodeAt(0)))),
  }) as typeof env;

const logIn = ({ username, password }: ReturnType<typeof newAccount>, bindings: typeof env) =>
  send("/v1/auth/login", { body: { username, password }, bindings });

async function hashOf({ username }: { username: string }): Promise<string> {
  const [row] = await sqlAll<{ password_hash: string }>(
    "SELECT password_hash FROM users WHERE username_key = ?",
    username,
  );
  return row?.password_hash ?? "";
}

describe("PEPPER_KEYS", () => {
  it("are applied to an account at its next login", async () => {
    const account = newAccount();
    await send("/v1/auth/register", { body: account });
    expect(await hashOf(account)).not.toContain(",p=");
    expect((await logIn(account, withPeppers("a"))).status).toBe(200);
    expect(await hashOf(account)).toContain(",p=a$");
    expect((await logIn(account, withPeppers("b", "a"))).status).toBe(200);
    expect(await hashOf(account)).toContain(",p=b$");
  });

  it("refuse an account whose pepper was removed, like a wrong password", async () => {
    const account = newAccount();
    await send("/v1/auth/register", { body: account, bindings: withPeppers("a") });
    for (const bindings of [withPeppers("b"), env]) {
      expectProblem(await logIn(account, bindings), 401, "invalid_credentials");
    }
    expect((await logIn(account, withPeppers("a"))).status).toBe(200);
  });
});
