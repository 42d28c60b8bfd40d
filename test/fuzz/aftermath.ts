import { checkSeals } from "../e2e/soak/checks.ts";
import { get } from "./actors.ts";
import type { Send } from "./http.ts";
import type { Service } from "./service.ts";
import { findActor, type World } from "./world.ts";

/** The paths at which users are created. */
const CREATION = /^\/v1\/(auth\/register|users)$/;

/** What no id must be, with the statement that finds those that are. */
const ANOMALIES: Readonly<Record<string, string>> = {
  "a user without exactly one event of their creation": `SELECT id FROM users
    WHERE 1 <> (SELECT count(*) FROM audit_events WHERE target_id = users.id AND action = 'user.created')`,
  "a user who was created and is neither there nor erased": `SELECT target_id AS id FROM audit_events AS created
    WHERE action = 'user.created' AND target_id IS NOT NULL AND target_id NOT IN (SELECT id FROM users)
    AND NOT EXISTS (SELECT 1 FROM audit_events WHERE target_id = created.target_id AND action = 'user.erased')`,
  "a user who was erased and is there": `SELECT target_id AS id FROM audit_events
    WHERE action = 'user.erased' AND target_id IN (SELECT id FROM users)`,
  "a session without exactly one event of a login": `SELECT id FROM sessions
    WHERE 1 <> (SELECT count(*) FROM audit_events WHERE target_id = sessions.user_id AND action = 'auth.login_succeeded'
      AND metadata ->> 'session_id' = sessions.id)`,
  "a live session of someone who cannot log in": `SELECT sessions.id FROM sessions JOIN users ON users.id = user_id
    WHERE revoked_at IS NULL AND (is_active = 0 OR deleted_at IS NOT NULL)`,
  "a user with more live sessions than are counted": `SELECT id FROM users
    WHERE session_count < (SELECT count(*) FROM sessions WHERE user_id = users.id AND revoked_at IS NULL)`,
  "a user whose second factor is not asked for, or who has none that could be": `SELECT id FROM users
    WHERE mfa_enabled <> EXISTS (SELECT 1 FROM factors WHERE user_id = users.id AND confirmed_at IS NOT NULL)`,
  "a row of a user or role that is not there": `SELECT "table" || ' ' || rowid AS id FROM pragma_foreign_key_check`,
};

/** What is wrong in the database after all requests and jobs. `created` are the ids of users that responses told of. */
export async function findAnomalies(
  service: Service,
  world: World,
  created: ReadonlySet<string>,
): Promise<string[]> {
  await service.runJobs();
  const violations: string[] = [];
  for (const [what, statement] of Object.entries(ANOMALIES)) {
    const ids = (await service.read<{ id: string }>(statement)).map(({ id }) => id);
    if (ids.length > 0) violations.push(`${what}: ${ids.length}, such as ${ids[0]}`);
  }
  return [
    ...violations,
    ...(await findLost(service, created)),
    ...(await findMiscounted(service, world)),
    ...(await findBrokenSeals(service, world.send)),
  ];
}

async function findLost({ read }: Service, created: ReadonlySet<string>): Promise<string[]> {
  const rows = await read<{ id: string }>(
    "SELECT target_id AS id FROM audit_events WHERE action = 'user.created'",
  );
  const known = new Set(rows.map(({ id }) => id));
  return [...created].filter((id) => !known.has(id)).map((id) => `the user ${id} was lost`);
}

async function findMiscounted({ read }: Service, world: World): Promise<string[]> {
  const { headers } = await findActor(world, new Map(), "admin");
  const { users } = await get(world.send, "/v1/analytics/summary", headers);
  const [counted] = await read<{ total: number; active: number; admins: number }>(
    `SELECT count(*) AS total, sum(is_active) AS active, sum(is_active AND role = 'admin') AS admins
      FROM users WHERE deleted_at IS NULL`,
  );
  const { total, active, admins } = counted ?? { total: 0, active: 0, admins: 0 };
  const faults = admins > 0 ? [] : ["there is no administrator"];
  if (users.total === total && users.active === active) return faults;
  const told = `${users.total} users, of whom ${users.active} are active`;
  return [...faults, `the summary tells of ${told}, instead of ${total} and ${active}`];
}

async function findBrokenSeals({ read }: Service, send: Send): Promise<string[]> {
  const sendFromSoak: Parameters<typeof checkSeals>[0]["send"] = async (path) => {
    const got = await send({ method: "GET", path, headers: {}, body: undefined });
    return { ...got, body: JSON.parse(got.text) };
  };
  try {
    await checkSeals({ send: sendFromSoak }, read);
    return [];
  } catch (error) {
    return [`the seals of the audit trail: ${(error as Error).message}`];
  }
}

/** Sends requests, and notes the ids of the users that their responses say were created. */
export function watchCreated(send: Send): { send: Send; created: ReadonlySet<string> } {
  const created = new Set<string>();
  return {
    created,
    async send(outgoing) {
      const got = await send(outgoing);
      const isCreation = outgoing.method === "POST" && CREATION.test(outgoing.path);
      if (isCreation && got.status === 201) created.add(JSON.parse(got.text).id);
      return got;
    },
  };
}
