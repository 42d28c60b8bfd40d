import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { newAccount, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";
import { productionSettings } from "../support/production.ts";

const production = createIsolate(await productionSettings());

const register = (bindings?: Cloudflare.Env) => {
  const account = newAccount();
  return send("/v1/auth/register", { body: account, ...(bindings && { bindings }) });
};

const setAdmin = (id: string, set: string) =>
  sqlRun(`UPDATE users SET role = 'admin', ${set} WHERE id = ?`, id);

async function countRows(): Promise<number> {
  const counts = await sqlAll<{ rows: number }>(
    `SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM audit_events)
       + (SELECT count(*) FROM mail_outbox) AS rows`,
  );
  return counts[0]?.rows ?? -1;
}

describe("registration before the first administrator exists", () => {
  it("is closed in production, says how it opens, and stores nothing", async () => {
    const before = await countRows();
    const answer = await register(production);
    expectProblem(answer, 403, "registration_closed");
    expect(answer.body.detail).toContain("npm run admin -- create");
    expect(await countRows()).toBe(before);
  });

  it("is open in development", async () => {
    expect((await register()).status).toBe(201);
  });

  it("opens in production once an active administrator exists, in the same round trip", async () => {
    const { body: user } = await register();
    await setAdmin(user.id, "is_active = 0");
    expectProblem(await register(production), 403, "registration_closed");
    await setAdmin(user.id, "is_active = 1, deleted_at = 1");
    expectProblem(await register(production), 403, "registration_closed");
    await setAdmin(user.id, "is_active = 1, deleted_at = NULL");
    const logs = captureLogs();
    expect((await register(production)).status).toBe(201);
    const [{ d1 }] = logs.of("request") as unknown as [{ d1: Record<string, number> }];
    expect(d1.queries).toBe(1);
    expect(d1.rows_read).toBeLessThanOrEqual(10);
  });
});
