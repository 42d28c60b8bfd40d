import { describe, expect, it, vi } from "vitest";
import { send } from "../support/api.ts";
import { actionsOn, newAccount, PASSWORD, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem } from "../support/problems.ts";
import { derivedIterations } from "../support/setup.ts";

const MINUTE = 60_000;

const logIn = (body: Record<string, unknown>) =>
  send("/v1/auth/login", { body: { password: PASSWORD, ...body } });

const fail = (name: Record<string, unknown>) => logIn({ ...name, password: "wrong password" });

async function failTimes(count: number, name: Record<string, unknown>): Promise<void> {
  for (let i = 0; i < count; i += 1) expectProblem(await fail(name), 401, "invalid_credentials");
}

async function register() {
  const account = newAccount();
  const { body } = await send("/v1/auth/register", { body: account });
  return { ...account, id: body.id as string };
}

describe("login failures", () => {
  it("evaluate at most 10 of 40 concurrent passwords, return 429 for the rest, and lock the account", async () => {
    const { username, id } = await register();
    derivedIterations.length = 0;
    const answers = await Promise.all(Array.from({ length: 40 }, () => fail({ username })));
    expect(derivedIterations).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30);
    expectProblem(await logIn({ username }), 429, "too_many_attempts");
    expect(derivedIterations).toHaveLength(10);
    const actions = await actionsOn(id);
    expect(actions.filter((action) => action === "auth.login_failed")).toHaveLength(10);
    expect(actions.filter((action) => action === "auth.locked_out")).toHaveLength(1);
  });

  it("refuse the right password with Retry-After after 10, and not after 9", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { username } = await register();
    await failTimes(9, { username });
    expect((await logIn({ username })).status).toBe(200);
    await failTimes(10, { username });
    vi.setSystemTime(Date.now() + 5 * MINUTE);
    const locked = await logIn({ username });
    expectProblem(locked, 429, "too_many_attempts");
    expect(locked.headers.get("Retry-After")).toBe("600");
  });

  it("are counted together, whether by username or email", async () => {
    const { username, email, id } = await register();
    const names = [{ username }, { email }, { username: email.toUpperCase() }, { email: username }];
    for (let i = 0; i < 10; i += 1) await fail(names[i % 4] ?? {});
    for (const name of names) expectProblem(await logIn(name), 429, "too_many_attempts");
    expect(await actionsOn(id)).toContain("auth.locked_out");
  });

  it("are counted for unknown names too, with the same responses and the same work", async () => {
    const nobody = { username: `nobody-${crypto.randomUUID().slice(0, 8)}` };
    const known = await register();
    const statuses = { nobody: [] as unknown[], known: [] as unknown[] };
    for (let i = 0; i < 12; i += 1) {
      for (const [who, name] of [
        ["nobody", nobody],
        ["known", { username: known.username }],
      ] as const) {
        derivedIterations.length = 0;
        const { status, body } = await fail(name);
        statuses[who].push([status, body.code, derivedIterations.length]);
      }
    }
    expect(statuses.nobody).toEqual(statuses.known);
    expect(statuses.nobody[11]).toEqual([429, "too_many_attempts", 0]);
    expectProblem(
      await fail({ username: nobody.username.toUpperCase() }),
      429,
      "too_many_attempts",
    );
  });

  it("for one unknown name do not lock another", async () => {
    const [one, other] = [newAccount(), newAccount()];
    await failTimes(10, { username: one.username });
    expectProblem(await fail({ username: one.username }), 429, "too_many_attempts");
    await failTimes(1, { username: other.username });
    await failTimes(1, { email: one.email });
  });

  it("for one account do not lock another", async () => {
    const [one, other] = [await register(), await register()];
    await failTimes(10, { username: one.username });
    expect((await logIn({ username: other.username })).status).toBe(200);
  });

  it("leave the window one by one", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    const { username } = await register();
    for (let i = 0; i < 10; i += 1) {
      vi.setSystemTime(start + i * MINUTE);
      await failTimes(1, { username });
    }
    vi.setSystemTime(start + 15 * MINUTE - 1);
    expectProblem(await fail({ username }), 429, "too_many_attempts");
    vi.setSystemTime(start + 15 * MINUTE);
    await failTimes(1, { username });
    expectProblem(await fail({ username }), 429, "too_many_attempts");
    vi.setSystemTime(start + 16 * MINUTE);
    expect((await logIn({ username })).status).toBe(200);
  });

  it("are not extended by attempts during the lock-out", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    const { username } = await register();
    await failTimes(10, { username });
    vi.setSystemTime(start + 14 * MINUTE);
    for (let i = 0; i < 20; i += 1) await fail({ username });
    vi.setSystemTime(start + 15 * MINUTE);
    expect((await logIn({ username })).status).toBe(200);
  });

  it("are reset by a successful login", async () => {
    const { username } = await register();
    await failTimes(9, { username });
    expect((await logIn({ username })).status).toBe(200);
    await failTimes(9, { username });
    expect((await logIn({ username })).status).toBe(200);
  });

  it("lock an inactive account like any other", async () => {
    const { username, id } = await register();
    await sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", id);
    for (let i = 0; i < 10; i += 1)
      expectProblem(await logIn({ username }), 401, "invalid_credentials");
    expectProblem(await logIn({ username }), 429, "too_many_attempts");
    // The right password counts and is recorded like a wrong one.
    const failures = Array.from({ length: 10 }, () => "auth.login_failed");
    expect(await actionsOn(id)).toEqual(["user.created", ...failures, "auth.locked_out"]);
  });

  it.each([
    ["an unverified address", { LOGIN_REQUIRES_VERIFIED_EMAIL: "on" }],
    ["an expired password", {}],
  ])(
    "tell nothing of %s to whoever knows the password of an inactive account",
    async (_, settings) => {
      const { username, id } = await register();
      await sqlRun("UPDATE users SET is_active = 0, password_expired = 1 WHERE id = ?", id);
      const body = { username, password: PASSWORD };
      const answer = await send("/v1/auth/login", { body, bindings: createIsolate(settings) });
      expectProblem(answer, 401, "invalid_credentials");
    },
  );
});
