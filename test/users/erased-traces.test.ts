import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import { HOURLY, runCron } from "../support/cron.ts";
import { allAuditOf, createTestUser, PASSWORD, sqlAll, sqlRun } from "../support/fixtures.ts";
import { linkIdentity } from "../support/identities.ts";
import { captureLogs } from "../support/logs.ts";
import { createMailbox, flowsOf, type Mailbox } from "../support/mail.ts";

const DAY = 86_400_000;
const IP = "198.51.100.77";
const USER_AGENT = "Difference-Engine/2 (unmistakable)";

/** Every row of every table in D1, except the tables of SQLite and Cloudflare. */
async function allRows(): Promise<string[]> {
  const tables = await sqlAll<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'",
  );
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      "users",
      "profiles",
      "mail_outbox",
      "audit_events",
      "login_attempts",
      "identities",
    ]),
  );
  const rows = await Promise.all(
    tables.map(async ({ name }) =>
      (await sqlAll(`SELECT * FROM "${name}"`)).map((row) => `${name}: ${JSON.stringify(row)}`),
    ),
  );
  return rows.flat();
}

async function allKv(): Promise<string[]> {
  const { keys, list_complete } = await env.KV.list();
  expect(list_complete).toBe(true);
  return Promise.all(keys.map(async ({ name }) => `kv: ${name}=${await env.KV.get(name)}`));
}

/** A user who has used every feature, with the texts that must not be found after erasure. */
async function createTracedUser(box: Mailbox) {
  const { bindings } = box;
  const who = crypto.randomUUID().slice(0, 8);
  const account = {
    username: `lovelace.${who}`,
    email: `countess.${who}@example.com`,
    password: PASSWORD,
    first_name: `Augusta${who}`,
    last_name: `Byron${who}`,
  };
  const headers = { "User-Agent": USER_AGENT };
  const call = (path: string, options: Parameters<typeof send>[1] = {}) =>
    send(path, { ...options, bindings, ip: IP, headers: { ...headers, ...options.headers } });
  const { body: user } = await call("/v1/auth/register", { body: account });
  const { forgot } = flowsOf(box);
  const verifyToken = box.tokenTo(account.email);
  await call("/v1/auth/email/verify", { body: { token: verifyToken } });
  const login = await call("/v1/auth/login", {
    body: { email: account.email, password: PASSWORD },
  });
  const token: string = login.body.access_token;
  await call("/v1/auth/login", { body: { username: account.username, password: "wrong one" } });
  const { body: refreshed } = await call("/v1/auth/refresh", {
    body: { refresh_token: login.body.refresh_token },
  });
  const profile = {
    display_name: `Enchantress${who}`,
    bio: `Bio${who}`,
    avatar_url: `https://${who}.example/a.png`,
    phone: "+441234567890",
    metadata: { poet: `Father${who}` },
  };
  await call("/v1/users/me/profile", { method: "PUT", body: profile, token });
  await call("/v1/users/me", { method: "PATCH", body: { last_name: `King${who}` }, token });
  const next = `ada.${who}@example.com`;
  await call("/v1/auth/email/change", { body: { email: next, current_password: PASSWORD }, token });
  const changeToken = box.tokenTo(next);
  await forgot(account.email);
  const resetToken = box.tokenTo(account.email);
  const key = await createTestKey({ ...user, token }, []);
  await sendWithKey(key, "/v1/users/me", { bindings, ip: IP });
  await linkIdentity(user.id, `subject-${who}`);
  await call("/v1/users/me", { token });
  const [row] = await sqlAll<{ data_key: string }>(
    "SELECT data_key FROM users WHERE id = ?",
    user.id,
  );
  const secrets = [
    who,
    row?.data_key,
    ...Object.values(profile).filter((value) => typeof value === "string"),
    IP,
    USER_AGENT,
    PASSWORD,
    token,
    login.body.refresh_token,
    refreshed.access_token,
    refreshed.refresh_token,
    verifyToken.slice(4),
    changeToken.slice(4),
    resetToken.slice(4),
    key.key,
  ] as string[];
  return { id: user.id as string, token, secrets };
}

const findContaining = (texts: readonly string[], secrets: readonly string[]) =>
  secrets.flatMap((secret) => texts.filter((text) => text.includes(secret)));

const auditRows = (id: string) =>
  sqlAll("SELECT * FROM audit_events WHERE target_id = ? OR actor_id = ? ORDER BY id", id, id);

const ENDS: [string, (id: string, box: Mailbox) => Promise<unknown>][] = [
  [
    "erased",
    async (id, { bindings }) => {
      const { token } = await createTestUser("admin");
      return send(`/v1/users/${id}/erase`, { method: "POST", token, bindings });
    },
  ],
  [
    "erased after a deletion",
    async (id, { bindings }) => {
      const { token } = await createTestUser("admin");
      await send(`/v1/users/${id}`, { method: "DELETE", token, bindings });
      return send(`/v1/users/${id}/erase`, { method: "POST", token, bindings });
    },
  ],
  [
    "deleted and purged after the retention period",
    async (id, { bindings }) => {
      const { token } = await createTestUser("admin");
      await send(`/v1/users/${id}`, { method: "DELETE", token, bindings });
      await sqlRun("UPDATE users SET deleted_at = deleted_at - ? WHERE id = ?", 31 * DAY, id);
      return runCron(HOURLY, bindings);
    },
  ],
];

describe("a person", () => {
  it.each(ENDS)("%s leaves no trace in any table, KV key, KV value or log", async (_, end) => {
    stopClock();
    const logs = captureLogs();
    const box = createMailbox({ RATE_LIMIT_AUTH: "1000/60", RATE_LIMIT_WRITE: "1000/60" });
    const { id, secrets } = await createTracedUser(box);
    const held = findContaining(await allRows(), secrets);
    expect(held.length).toBeGreaterThan(5);
    expect(held.filter((row) => row.startsWith("audit_events"))).toEqual([]);
    await end(id, box);
    expect(await sqlAll("SELECT id FROM users WHERE id = ?", id)).toEqual([]);
    expect(findContaining(await allRows(), secrets)).toEqual([]);
    expect(findContaining(await allKv(), secrets)).toEqual([]);
    expect(findContaining(logs.raw(), secrets)).toEqual([]);
  });

  it("erased leaves the audit rows unchanged byte for byte, and their sealed values read as null with erased", async () => {
    const box = createMailbox();
    const { id } = await createTracedUser(box);
    const before = await auditRows(id);
    const opened = await allAuditOf(id);
    expect(JSON.stringify(opened)).toContain(USER_AGENT);
    expect(JSON.stringify(opened)).toContain("countess");
    const { token } = await createTestUser("admin");
    await send(`/v1/users/${id}/erase`, { method: "POST", token });
    const after = await auditRows(id);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.slice(before.length)).toMatchObject([{ action: "user.erased" }]);
    const [created] = await allAuditOf(id);
    expect(created).toMatchObject({
      action: "user.created",
      ip: null,
      user_agent: null,
      erased: true,
    });
    expect(JSON.parse(created?.changes ?? "")).toEqual({
      role: { from: null, to: "user" },
      is_active: { from: null, to: true },
      username: null,
      email: null,
      first_name: null,
      last_name: null,
    });
    const login = (await allAuditOf(id)).find(({ action }) => action === "auth.login_succeeded");
    expect(login).toMatchObject({ ip: null, user_agent: null, erased: true });
    const erased = (await allAuditOf(id)).at(-1);
    expect(erased).toMatchObject({ action: "user.erased", ip: "203.0.113.7" });
    expect(erased).not.toHaveProperty("erased");
  });

  it("erased leaves the origin of an administrator's events about them", async () => {
    const { id } = await createTestUser();
    const { token, id: adminId } = await createTestUser("admin");
    const edit = { method: "PATCH", body: { first_name: "Unmistakable" }, token };
    await send(`/v1/users/${id}`, edit);
    await send(`/v1/users/${id}/erase`, { method: "POST", token });
    const updated = (await allAuditOf(id)).find(({ action }) => action === "user.updated");
    expect(updated).toMatchObject({ actor_id: adminId, ip: "203.0.113.7", erased: true });
    expect(JSON.parse(updated?.changes ?? "")).toEqual({ first_name: null });
  });

  it("erased leaves what they did to others, without its origin", async () => {
    const moderator = await createTestUser("moderator");
    const { id } = await createTestUser();
    const edit = { method: "PATCH", body: { first_name: "Grace" }, token: moderator.token, ip: IP };
    await send(`/v1/users/${id}`, edit);
    const { token } = await createTestUser("admin");
    await send(`/v1/users/${moderator.id}/erase`, { method: "POST", token });
    const updated = (await allAuditOf(id)).find(({ action }) => action === "user.updated");
    expect(updated).toMatchObject({ actor_id: moderator.id, ip: null, erased: true });
    expect(JSON.parse(updated?.changes ?? "")).toEqual({
      first_name: { from: null, to: "Grace" },
    });
  });
});
