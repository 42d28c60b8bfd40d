import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import { commit } from "../../src/audit/commit.ts";
import { createAuditEvent } from "../../src/audit/events.ts";
import { parseConfig } from "../../src/config.ts";
import { type Context, createContext } from "../../src/context.ts";
import { roles } from "../../src/db/schema/roles.ts";
import { createMeter } from "../../src/lib/meter.ts";
import { beginSpan } from "../../src/lib/trace.ts";
import { sqlAll } from "../support/fixtures.ts";

async function newContext(): Promise<Context> {
  const parsed = await parseConfig(env);
  if (!parsed.ok) throw new Error("the test's settings are wrong");
  return createContext({
    bindings: env,
    config: parsed.config,
    meter: createMeter(),
    actor: { type: "system" },
    client: { ip: null, userAgent: null, country: null },
    requestId: crypto.randomUUID(),
    trace: beginSpan(),
    log: () => undefined,
    waitUntil: () => undefined,
  });
}

it.each(["change", "event"])("refuses an effect named %s, and changes nothing", async (name) => {
  const ctx = await newContext();
  const description = `changed by ${name}`;
  const change = ctx.db
    .update(roles)
    .set({ description })
    .where(sql`name = 'user'`)
    .returning({ name: roles.name });
  const event = await createAuditEvent(ctx, {
    action: "role.updated",
    targetType: "role",
    targetId: "user",
  });
  const effects = () => ({ [name]: ctx.db.select().from(roles) });
  await expect(commit(ctx, { change, event, effects })).rejects.toThrow(name);
  expect(await sqlAll("SELECT name FROM roles WHERE description = ?", description)).toEqual([]);
});

it("refuses a read with the name of an effect", async () => {
  const ctx = await newContext();
  const select = () => ctx.db.select().from(roles);
  const change = ctx.db.update(roles).set({ updatedAt: 1 }).returning({ name: roles.name });
  const event = await createAuditEvent(ctx, {
    action: "role.updated",
    targetType: "role",
    targetId: "user",
  });
  const input = { change, event, effects: () => ({ fresh: select() }), read: { fresh: select() } };
  await expect(commit(ctx, input)).rejects.toThrow("fresh");
});
