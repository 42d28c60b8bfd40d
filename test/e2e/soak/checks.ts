import assert from "node:assert/strict";
import { importJWK, type JWK } from "jose";
import { verifyTrail } from "../../../scripts/lib/audit-verify.ts";
import type { StoredEvent } from "../../../src/lib/audit-seal.ts";
import type { Person } from "./model.ts";
import { adminToken, type World } from "./world.ts";

/** How many sessions and keys are tried at the end. */
const TRIED = 400;
const PAGE = 100;

/** Reads rows of the database. */
export type ReadRows = <T>(sql: string, ...values: unknown[]) => Promise<T[]>;

/** A check of the final state against the model. Returns what it has compared, and fails if there is a difference. */
type Check = (world: World, read: ReadRows) => Promise<string>;

async function listAll(world: World, query: string): Promise<Record<string, unknown>[]> {
  const users: Record<string, unknown>[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const path: string = `/v1/users?limit=${PAGE}${query}${cursor && `&cursor=${cursor}`}`;
    const { body } = await world.send(path, { token: adminToken(world) });
    users.push(...body.data);
    cursor = body.pagination.next_cursor;
  }
  return users;
}

function toUser({ id, username, email, firstName, role, isActive, isVerified, app }: Person) {
  const names = { id, username, email, first_name: firstName };
  return { ...names, role, is_active: isActive, email_verified: isVerified, mfa_enabled: !!app };
}

const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);

async function checkUsers(world: World): Promise<string> {
  const found = {
    living: await listAll(world, ""),
    deleted: await listAll(world, "&deleted=true"),
  };
  for (const [state, users] of Object.entries(found)) {
    const expected = world.model.people.filter((person) => person.state === state).map(toUser);
    const shown = users.map((user) =>
      Object.fromEntries(Object.keys(expected[0] ?? {}).map((name) => [name, user[name]])),
    ) as { id: string }[];
    assert.deepEqual(shown.sort(byId), expected.sort(byId), `${state} users`);
  }
  return `${found.living.length} users and ${found.deleted.length} deleted ones, with their fields`;
}

async function checkSessions({ model }: World, read: ReadRows): Promise<string> {
  const rows = await read<{ id: string }>(
    "SELECT id FROM sessions WHERE revoked_at IS NULL AND expires_at > ?",
    Date.now(),
  );
  const live = model.people.flatMap(({ sessions }) => sessions.filter(({ isLive }) => isLive));
  assert.deepEqual(rows.map(({ id }) => id).sort(), live.map(({ id }) => id).sort(), "sessions");
  return `${live.length} live sessions, and no other`;
}

async function checkTokens(world: World): Promise<string> {
  const { model, send } = world;
  const sessions = model.people.flatMap((person) => person.sessions).slice(-TRIED);
  for (const { token, isLive, refreshToken } of sessions) {
    const { status } = await send("/v1/users/me", { token });
    assert.equal(status, isLive ? 200 : 401, "an access token");
    if (isLive) continue;
    const refreshed = await send("/v1/auth/refresh", { body: { refresh_token: refreshToken } });
    assert.equal(refreshed.status, 401, "the refresh token of an ended session");
  }
  const keys = model.people.flatMap((person) => person.keys.map((key) => ({ person, key })));
  for (const { person, key } of keys.slice(-TRIED)) {
    const { status } = await send("/v1/users/me", { key: key.key });
    assert.equal(status, key.isLive && person.isActive ? 200 : 401, "an API key");
  }
  return `${sessions.length} sessions and ${keys.length} API keys work or are refused as they must`;
}

async function checkAudit({ model }: World, read: ReadRows): Promise<string> {
  const rows = await read<{ target_id: string; action: string; total: number }>(
    "SELECT target_id, action, count(*) AS total FROM audit_events WHERE request_id IS NOT 'before' GROUP BY target_id, action",
  );
  const known = new Set([...model.events.keys()].map((name) => name.split(" ")[0]));
  const found = rows
    .filter(({ target_id }) => known.has(target_id))
    .map(({ target_id, action, total }) => `${target_id} ${action}: ${total}`);
  const expected = [...model.events].map(([name, total]) => `${name}: ${total}`);
  assert.deepEqual(found.sort(), expected.sort(), "audit events");
  const others = rows.filter(({ target_id }) => !known.has(target_id));
  assert.deepEqual(
    others.filter(({ action }) => action !== "users.exported"),
    [],
    "events that nothing has caused",
  );
  const total = [...model.events.values()].reduce((sum, count) => sum + count, 0);
  return `${total} audit events, one per change`;
}

/** Compares the audit events of the days before with their seals. */
export async function checkSeals({ send }: Pick<World, "send">, read: ReadRows): Promise<string> {
  const { body } = await send("/.well-known/jwks.json");
  const keys = await Promise.all(
    (body.keys as JWK[]).map(
      async (jwk) => [jwk.kid ?? "", (await importJWK(jwk)) as CryptoKey] as const,
    ),
  );
  const outcome = await verifyTrail({
    keys: new Map(keys),
    source: {
      listSeals: () => read("SELECT * FROM audit_seals ORDER BY day"),
      readEvents: (from, until) =>
        read<StoredEvent>(
          "SELECT * FROM audit_events WHERE id >= ? AND id < ? ORDER BY id",
          from,
          until,
        ),
      readShortDigests: async (day) =>
        (
          await read<{ digests: string }>(
            "SELECT digests FROM audit_seal_rows WHERE day = ? ORDER BY part",
            day,
          )
        ).map(({ digests }) => digests),
    },
  });
  assert.ok("report" in outcome, JSON.stringify(outcome));
  return `the seals of the days before: ${outcome.report[0]}`;
}

async function checkMail({ outbox }: World, read: ReadRows): Promise<string> {
  const sent = outbox.mails.map(({ key }) => key);
  const rows = await read<{ id: string; sent_at: number | null }>(
    "SELECT id, sent_at FROM mail_outbox",
  );
  const delivered = new Set(sent);
  const pending = rows.filter(({ sent_at }) => sent_at === null);
  assert.deepEqual(pending, [], "emails that were not sent");
  const lost = rows.filter(({ id }) => !delivered.has(id));
  assert.deepEqual(lost, [], "emails that are marked as sent and were not");
  return `${sent.length} emails, each sent once (${outbox.repeated()} offered again under their key)`;
}

async function checkCounts(world: World): Promise<string> {
  const { model, send } = world;
  const token = adminToken(world);
  const day = new Date().toISOString().slice(0, 10);
  const daily = await send(`/v1/analytics/daily?from=${day}&to=${day}`, { token });
  const { registrations, logins, failed_logins, deletions } = daily.body.data[0];
  assert.deepEqual({ registrations, logins, failed_logins, deletions }, model.today, "analytics");
  const living = model.living();
  const summary = await send("/v1/analytics/summary", { token });
  assert.deepEqual(summary.body.users, {
    total: living.length,
    active: living.filter(({ isActive }) => isActive).length,
    verified: living.filter(({ isVerified }) => isVerified).length,
    with_mfa: living.filter(({ app }) => app).length,
  });
  const metrics = await send("/metrics", { token });
  for (const role of ["user", "moderator", "admin"]) {
    const active = living.filter((person) => person.role === role && person.isActive).length;
    const line = metrics.text
      .split("\n")
      .find(
        (text) =>
          text.startsWith("roster_users{") &&
          text.includes(`"${role}"`) &&
          text.includes('"active"'),
      );
    assert.equal(Number(line?.split(" ").at(-1) ?? 0), active, `${role}: ${line}`);
  }
  assert.ok(
    living.some(({ role, isActive }) => role === "admin" && isActive),
    "no administrator",
  );
  return `analytics of the day, the totals and the metrics by role of ${living.length} users`;
}

/** Everything that must be true at the end, by name. */
export const CHECKS: Readonly<Record<string, Check>> = {
  users: checkUsers,
  sessions: checkSessions,
  tokens: checkTokens,
  audit: checkAudit,
  seals: checkSeals,
  mail: checkMail,
  counts: checkCounts,
};
