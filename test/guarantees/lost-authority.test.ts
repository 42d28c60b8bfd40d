import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestKey } from "../support/credentials.ts";
import { wrapD1 } from "../support/d1.ts";
import { createLoginMailbox, emailLoginOf } from "../support/email-login.ts";
import { addTotp } from "../support/factors.ts";
import { createTestUser, PASSWORD, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { linkIdentity } from "../support/identities.ts";
import { createVerifiedMailUser, flowsOf, type Mailbox } from "../support/mail.ts";
import { fetchDocument, type Operation, operationsOf } from "../support/openapi.ts";
import { listTables } from "../support/rows.ts";
import { sampleRequest, type Target, targetOf } from "../support/samples.ts";

const document = await fetchDocument();
const writes = operationsOf(document).filter(
  ({ access, method }) => access.kind !== "public" && method !== "GET",
);
const box = createLoginMailbox({ STEP_UP_MAX_AGE_SECONDS: "0" });

/** Someone of whom there is something in every table. */
async function createRichUser({ bindings }: Mailbox): Promise<TestUser> {
  const user = await createVerifiedMailUser(box);
  await createTestKey(user, []);
  await linkIdentity(user.id);
  await addTotp(user, { bindings });
  const { token } = user;
  await send("/v1/users/me/profile", { method: "PATCH", token, body: { bio: "Hello" } });
  await send("/v1/auth/login", { body: { username: user.username, password: "a wrong guess" } });
  await send("/v1/auth/login", { body: { username: user.username, password: PASSWORD } });
  await flowsOf(box).forgot(user.email);
  await emailLoginOf(box).request(user.email);
  return user;
}

/** All rows that a write could touch. */
async function readRows(): Promise<Record<string, string>> {
  const names = (await listTables()).filter((name) => !/^(unattributed_events|metric_)/.test(name));
  const rows = names.map(async (name) => [
    name,
    (await sqlAll(`SELECT * FROM "${name}"`)).map((row) => JSON.stringify(row)).join("\n"),
  ]);
  return Object.fromEntries(await Promise.all(rows));
}

/** Sends a request whose caller loses the session just before the transaction that records an event. */
async function sendTooLate(operation: Operation, caller: TestUser, target: Target) {
  let before: Record<string, string> | undefined;
  const DB = wrapD1(
    {
      before: async (sql) => {
        if (before || !sql.includes('insert into "audit_events"')) return;
        await sqlRun("UPDATE sessions SET revoked_at = 1 WHERE user_id = ?", caller.id);
        before = await readRows();
      },
    },
    box.bindings.DB,
  );
  const isOwn = target.user.id === caller.id;
  const { path, ...request } = sampleRequest(document, operation, target, isOwn);
  const answer = await send(path, {
    ...request,
    token: caller.token,
    bindings: { ...box.bindings, DB },
  });
  return { answer, before };
}

const reached = new Set<string>();

describe("a caller whose session ends between the check and the write", () => {
  it.each(writes.map((operation) => [operation.name, operation] as const))(
    "changes nothing at all, not even what follows from the change: %s",
    async (name, operation) => {
      const admin = await createTestUser("admin");
      const user = await createRichUser(box);
      const own = await targetOf(admin);
      for (const target of [await targetOf(user), own]) {
        const { answer, before } = await sendTooLate(operation, admin, target);
        if (!before) continue;
        reached.add(name);
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(await readRows()).toEqual(before);
        break;
      }
    },
  );

  it("reaches the write of most operations in this test", () => {
    expect(reached.size).toBeGreaterThan(20);
  });
});
