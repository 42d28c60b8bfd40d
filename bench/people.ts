import type { Send } from "./client.ts";

const PASSWORD = "SecurePass123!";
/** Sessions of the person with a long history, all of them over. */
const PAST_SESSIONS = 10_000;
const PAST_CHUNK = 2500;

export interface Person {
  id: string;
  username: string;
  headers: Record<string, string>;
}

/** Registers a person and logs them in. */
export async function createPerson(
  api: Send,
  db: D1Database,
  username: string,
  role = "user",
): Promise<Person> {
  const body = { username, email: `${username}@example.com`, password: PASSWORD };
  const { text } = await api("POST", "/v1/auth/register", { body });
  const { id } = JSON.parse(text) as { id: string };
  await db.prepare("UPDATE users SET role = ? WHERE id = ?").bind(role, id).run();
  const { access_token } = await logIn(api, username);
  return { id, username, headers: { Authorization: `Bearer ${access_token}` } };
}

/** The request that logs a person in. */
export function loginOf(username: string) {
  return {
    method: "POST",
    path: "/v1/auth/login",
    body: { username, password: PASSWORD },
  } as const;
}

/** Logs in and returns the tokens. */
export async function logIn(api: Send, username: string) {
  const { method, path, body } = loginOf(username);
  const { text } = await api(method, path, { body });
  return JSON.parse(text) as { access_token: string; refresh_token: string };
}

/** Sets when a person and their role were last changed. A refresh writes a session record if that is later than the refresh before. */
export async function setUpdatedAt(db: D1Database, userId: string, time: number): Promise<void> {
  await db.batch([
    db.prepare("UPDATE users SET updated_at = ? WHERE id = ?").bind(time, userId),
    db.prepare("UPDATE roles SET updated_at = 0"),
  ]);
}

/** Gives a person 10,000 sessions that have ended. */
export async function addPastSessions(db: D1Database, userId: string): Promise<void> {
  for (let start = 0; start < PAST_SESSIONS; start += PAST_CHUNK) {
    const numbers = JSON.stringify(Array.from({ length: PAST_CHUNK }, (_, index) => start + index));
    await db
      .prepare(
        `INSERT INTO sessions (id, user_id, generation, created_at, last_used_at, rotated_at, expires_at, ends_at, revoked_at,
           revoked_reason)
         SELECT printf('00000000-0000-7000-9000-%012d', value), ?, 3, value, value, value, value + 1000, value + 1000, value + 500,
           'logout' FROM json_each(?)`,
      )
      .bind(userId, numbers)
      .run();
  }
}
