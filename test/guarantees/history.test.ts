import { describe, expect, it } from "vitest";
import { type Answer, costOf, send } from "../support/api.ts";
import { insertSessions } from "../support/budgets.ts";
import {
  createTestUser,
  newAccount,
  PASSWORD,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { createMailbox } from "../support/mail.ts";

const ROWS = 1000;
const NUMBERS = JSON.stringify(Array.from({ length: ROWS }, (_, index) => index));

const { bindings } = createMailbox();
const post = (path: string, body: object) => send(path, { body, bindings });

const OPERATIONS: Readonly<Record<string, (user: TestUser) => Promise<Answer>>> = {
  login: ({ username }) => post("/v1/auth/login", { username, password: PASSWORD }),
  refresh: ({ refreshToken }) => post("/v1/auth/refresh", { refresh_token: refreshToken }),
  register: () => post("/v1/auth/register", newAccount()),
  forgot: ({ email }) => post("/v1/auth/password/forgot", { email }),
};

/** A thousand events, emails and ended sessions of a user, and a thousand other users. */
async function addHistory(user: TestUser): Promise<void> {
  await insertSessions(user, ROWS, 30);
  await sqlRun(
    `INSERT INTO audit_events (id, action, actor_type, target_type, target_id, created_at)
     SELECT printf('00000000-%04d-7000-8000-', value) || substr(?1, -12), 'auth.login_failed', 'anonymous', 'user', ?1, value FROM json_each(?2)`,
    user.id,
    NUMBERS,
  );
  await sqlRun(
    `INSERT INTO mail_outbox (id, user_id, kind, address, created_at, next_attempt_at, sent_at)
     SELECT printf('00000000-%04d-7000-8000-000000000000', value), ?1, 'password_changed', ?2, value, value, value FROM json_each(?3)`,
    user.id,
    user.email,
    NUMBERS,
  );
  await sqlRun(
    `INSERT INTO users (id, username, username_key, email, email_key, role, created_at, updated_at)
     SELECT ?1 || value, ?1 || value, ?1 || value, ?1 || value, ?1 || value, 'user', value, value FROM json_each(?2)`,
    user.id,
    NUMBERS,
  );
}

describe("the history of an account and of the service", () => {
  it.each(Object.entries(OPERATIONS))("does not make a %s cost more", async (_, operate) => {
    const [young, old] = [await createTestUser(), await createTestUser()];
    const before = await operate(young);
    await addHistory(old);
    const after = await operate(old);
    expect(after.status).toBe(before.status);
    expect(after.status).toBeLessThan(300);
    const [first, second] = [costOf(before), costOf(after)];
    expect(second.queries).toBe(first.queries);
    expect(second.rowsWritten).toBeLessThanOrEqual(first.rowsWritten);
    // A search in an index reads the row behind the last one that it finds, too, if there is one.
    expect(second.rowsRead).toBeLessThanOrEqual(first.rowsRead + 2);
  });
});
