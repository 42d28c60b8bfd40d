import { describe, expect, it, vi } from "vitest";
import { costOf, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { actionsOn, newAccount, PASSWORD, sqlAll, sqlRun } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";
import { derivedIterations } from "../support/setup.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const HOME = "198.51.100.20";

const logIn = (name: Record<string, unknown>, ip: string, password = PASSWORD) =>
  send("/v1/auth/login", { body: { ...name, password }, ip });

const fail = (name: Record<string, unknown>, ip: string) => logIn(name, ip, "wrong password");

async function failFrom(name: Record<string, unknown>, networks: number): Promise<void> {
  for (let network = 0; network < networks; network += 1) {
    for (let i = 0; i < 10; i += 1) await fail(name, `10.0.${network}.${i}`);
  }
}

async function register() {
  const account = newAccount();
  const { body } = await send("/v1/auth/register", { body: account });
  return { ...account, id: body.id as string };
}

const storedLength = async (id: string) => {
  const [row] = await sqlAll<{ length: number }>(
    "SELECT length(attempts) AS length FROM login_attempts WHERE key = ?",
    `user:${id}`,
  );
  return row?.length ?? 0;
};

describe("ten failures from one network", () => {
  it("lock that network out, whichever of its addresses is used, and no other network", async () => {
    const { username, email } = await register();
    for (let i = 0; i < 10; i += 1) await fail({ username }, `10.0.0.${i}`);
    expectProblem(await logIn({ username }, "10.0.0.200"), 429, "too_many_attempts");
    expectProblem(await logIn({ username: email }, "10.0.0.201"), 429, "too_many_attempts");
    expect((await logIn({ username }, HOME)).status).toBe(200);
    expect((await logIn({ username }, "10.0.1.1")).status).toBe(200);
  });

  it("are counted per /48 of IPv6", async () => {
    const { username } = await register();
    for (let i = 0; i < 10; i += 1) await fail({ username }, `2001:db8:7:${i}::1`);
    expectProblem(await logIn({ username }, "2001:db8:7:ffff::1"), 429, "too_many_attempts");
    expect((await logIn({ username }, "2001:db8:8::1")).status).toBe(200);
  });

  it("lock a network that the account logs in from, too", async () => {
    const { username } = await register();
    expect((await logIn({ username }, HOME)).status).toBe(200);
    for (let i = 0; i < 10; i += 1) await fail({ username }, HOME);
    expectProblem(await logIn({ username }, HOME), 429, "too_many_attempts");
  });

  it("cannot be used to lock out the only administrator", async () => {
    const { username, id } = await register();
    await sqlRun("UPDATE users SET role = 'admin' WHERE id = ?", id);
    expect((await logIn({ username }, HOME)).status).toBe(200);
    await failFrom({ username }, 12);
    expect((await logIn({ username }, HOME)).status).toBe(200);
  });
});

describe("a hundred failures from all networks", () => {
  it("lock every network that the account has not logged in from within 30 days", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { username, id } = await register();
    const start = Date.now();
    expect((await logIn({ username }, HOME)).status).toBe(200);
    vi.setSystemTime(start + 1);
    expect((await logIn({ username }, "192.0.2.1")).status).toBe(200);
    // The first login was 30 days ago, the second one a millisecond less.
    vi.setSystemTime(start + 30 * DAY);
    await failFrom({ username }, 10);
    const locked = await logIn({ username }, HOME);
    expectProblem(locked, 429, "too_many_attempts");
    expect(Number(locked.headers.get("Retry-After"))).toBeGreaterThan(600);
    expect((await logIn({ username }, "192.0.2.99")).status).toBe(200);
    const actions = await actionsOn(id);
    // Ten networks, one of which also reached the limit of all.
    expect(actions.filter((action) => action === "auth.locked_out")).toHaveLength(10);
  });

  it("say in Retry-After when they leave the window, also to a network whose own failures have just left it", async () => {
    const { at } = stopClock();
    const { username } = await register();
    for (let i = 0; i < 10; i += 1) await fail({ username }, "10.9.0.1");
    at(MINUTE);
    await failFrom({ username }, 9);
    at(15 * MINUTE);
    for (let i = 0; i < 10; i += 1) await fail({ username }, "10.9.1.1");
    const locked = await logIn({ username }, "10.9.0.1");
    expectProblem(locked, 429, "too_many_attempts");
    expect(locked.headers.get("Retry-After")).toBe("60");
  });

  it("are the most that are evaluated, however many networks guess at once", async () => {
    const { username } = await register();
    derivedIterations.length = 0;
    const addresses = Array.from({ length: 130 }, (_, i) => `10.1.${i % 13}.${i}`);
    const answers = await Promise.all(addresses.map((ip) => fail({ username }, ip)));
    expect(derivedIterations).toHaveLength(100);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30);
  });

  it("still count after a login, which clears the count of its own network only", async () => {
    const { username } = await register();
    expect((await logIn({ username }, HOME)).status).toBe(200);
    await failFrom({ username }, 9);
    for (let i = 0; i < 9; i += 1) await fail({ username }, HOME);
    expect((await logIn({ username }, HOME)).status).toBe(200);
    // 99 so far.
    expect((await fail({ username }, "10.3.0.1")).status).toBe(401);
    expectProblem(await fail({ username }, "10.3.0.2"), 429, "too_many_attempts");
    expect((await fail({ username }, HOME)).status).toBe(401);
  });

  it("lock an unknown name in the same way", async () => {
    const username = `nobody-${crypto.randomUUID().slice(0, 8)}`;
    await failFrom({ username }, 10);
    expectProblem(await fail({ username }, HOME), 429, "too_many_attempts");
  });
});

describe("what is stored of the networks of an account", () => {
  it("is those of logins within 30 days", async () => {
    const { at } = stopClock();
    const { username, id } = await register();
    const countKnown = async () => {
      const [row] = await sqlAll("SELECT known_networks FROM users WHERE id = ?", id);
      return Object.keys(JSON.parse(String(row?.known_networks))).length;
    };
    for (const ip of [HOME, "192.0.2.1"]) expect((await logIn({ username }, ip)).status).toBe(200);
    expect(await countKnown()).toBe(2);
    at(30 * DAY);
    expect((await logIn({ username }, "192.0.2.1")).status).toBe(200);
    expect(await countKnown()).toBe(1);
  });
});

describe("what is stored of failures", () => {
  it("does not grow with networks whose failures have left the window", async () => {
    const { username, id } = await register();
    await fail({ username }, HOME);
    const old = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`network${i}`, [i]]));
    await sqlRun(
      "UPDATE login_attempts SET attempts = json_patch(attempts, ?) WHERE key = ?",
      JSON.stringify(old),
      `user:${id}`,
    );
    expect(await storedLength(id)).toBeGreaterThan(8192);
    await fail({ username }, HOME);
    expect(await storedLength(id)).toBeLessThan(200);
  });

  it("does not make the next login read more rows", async () => {
    const { username } = await register();
    await logIn({ username }, HOME);
    await failFrom({ username }, 9);
    const answer = await logIn({ username }, HOME);
    expect(answer.status).toBe(200);
    expect(costOf(answer).rowsRead).toBeLessThanOrEqual(24);
    expect(costOf(answer).rowsWritten).toBeLessThanOrEqual(10);
  });
});
