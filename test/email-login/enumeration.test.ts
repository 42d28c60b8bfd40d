import { describe, expect, it } from "vitest";
import { costOf, start } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { wrapD1 } from "../support/d1.ts";
import { createLoginMailbox, emailLoginOf } from "../support/email-login.ts";
import { newEmail, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createMailUser, createVerifiedMailUser } from "../support/mail.ts";

/** Addresses that a login must not tell apart, by what they are. */
async function createAddresses(box: ReturnType<typeof createLoginMailbox>) {
  const [known, unproven, inactive, deleted] = [
    await createVerifiedMailUser(box),
    await createMailUser(box),
    await createVerifiedMailUser(box),
    await createVerifiedMailUser(box),
  ];
  await sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", inactive.id);
  await sqlRun("UPDATE users SET deleted_at = 1 WHERE id = ?", deleted.id);
  return [known.email, unproven.email, inactive.email, deleted.email, newEmail()];
}

/** Sends a request. Returns the response, and the statements that it was sent after. */
async function trace(box: ReturnType<typeof createLoginMailbox>, path: string, body: object) {
  const statements: string[] = [];
  const before = async (sql: string) => {
    statements.push(sql);
  };
  const bindings = { ...box.bindings, DB: wrapD1({ before }, box.bindings.DB) };
  const { response, settled } = await start(path, { body, bindings });
  const beforeResponse = [...statements];
  const text = await response.text();
  await settled;
  return { status: response.status, headers: response.headers, text, statements: beforeResponse };
}

function shapeOf({ status, headers, text, statements }: Awaited<ReturnType<typeof trace>>) {
  const body = JSON.parse(text);
  const length = typeof body.login_token === "string" ? body.login_token.length : body.code;
  return {
    status,
    names: [...headers.keys()].sort(),
    fields: Object.keys(body),
    expires_in: body.expires_in,
    length,
    statements,
  };
}

const MINUTE = 60_000;

describe("whether an address is known", () => {
  it("shows neither in the response nor in the work of a request", async () => {
    const box = createLoginMailbox();
    const shapes = [];
    const before = box.sent.length;
    const emails = await createAddresses(box);
    for (const email of emails) {
      const rows = (await sqlAll("SELECT * FROM email_logins")).length;
      const traced = await trace(box, "/v1/auth/email-login", { email });
      const repeated = await trace(box, "/v1/auth/email-login", { email });
      expect(JSON.parse(repeated.text).login_token).toBe(JSON.parse(traced.text).login_token);
      expect((await sqlAll("SELECT * FROM email_logins")).length).toBe(rows + 1);
      shapes.push([shapeOf(traced), shapeOf(repeated)]);
    }
    for (const shape of shapes) expect(shape).toEqual(shapes.at(-1));
    expect(shapes[0]?.[0]?.statements).toHaveLength(2);
    const logins = box.sent.slice(before).filter(({ subject }) => subject.startsWith("Log in"));
    expect(logins.map(({ to }) => to)).toEqual(emails.slice(0, 2));
  });

  it("shows neither once no more emails are sent within an hour", async () => {
    const clock = stopClock();
    const box = createLoginMailbox();
    const { request, byCode } = emailLoginOf(box);
    const emails = await createAddresses(box);
    const seen = emails.map((): unknown[] => []);
    const latest = new Map<string, string>();
    for (const minutes of [0, 1, 1, 1, 1, 1, 8, 1, 45, 1, 1, 1]) {
      clock.pass(minutes * MINUTE);
      for (const [i, email] of emails.entries()) {
        const { status, body } = await request(email);
        const isSame = body.login_token === latest.get(email);
        latest.set(email, body.login_token);
        const answer = await byCode(body.login_token, "no code");
        seen[i]?.push([status, body.expires_in, isSame, answer.status, costOf(answer).queries]);
      }
    }
    for (const answers of seen) expect(answers).toEqual(seen.at(-1));
  });

  it("shows neither in the response nor in the number of round trips of a wrong code", async () => {
    const box = createLoginMailbox();
    const { request, byCode } = emailLoginOf(box);
    const seen = [];
    for (const email of await createAddresses(box)) {
      const { body } = await request(email);
      for (let i = 0; i < 6; i += 1) {
        const answer = await byCode(body.login_token, "no code");
        const names = [...answer.headers.keys()].sort();
        seen.push([i, answer.status, answer.body.code, names, costOf(answer).queries]);
      }
    }
    for (const [index, answer] of seen.entries()) expect(answer).toEqual(seen[index % 6]);
    expect(seen.slice(0, 6).map(([, status]) => status)).toEqual([...Array(5).fill(401), 429]);
  });

  it("is not shown by the codes of a login beyond the five emails of an hour", async () => {
    const clock = stopClock();
    const box = createLoginMailbox();
    const { request, byCode } = emailLoginOf(box);
    for (const email of await createAddresses(box)) {
      const statuses = [];
      for (const tries of [5, 0, 0, 0, 5, 1]) {
        const { body } = await request(email);
        for (let i = 0; i < tries; i += 1) {
          statuses.push((await byCode(body.login_token, "no code")).status);
        }
        clock.pass(60_000);
      }
      expect(statuses).toEqual([...Array(10).fill(401), 429]);
    }
  });

  it("is not stored: an address that nobody has is in no row", async () => {
    const { request, byCode } = emailLoginOf(createLoginMailbox());
    const { body } = await request("a.stranger@example.com");
    await byCode(body.login_token, "123456");
    const tables = await sqlAll<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'",
    );
    for (const { name } of tables) {
      expect(JSON.stringify(await sqlAll(`SELECT * FROM "${name}"`))).not.toContain("a.stranger");
    }
  });
});
