import { firstIdAt } from "../../../src/lib/ids.ts";
import { Model } from "./model.ts";
import { register } from "./people.ts";
import { logIn } from "./sessions.ts";
import type { World } from "./world.ts";

const DAY_MS = 86_400_000;
const DAYS = 3;
const EVENTS_PER_DAY = 50;

/** Inserts events of the days before, so that the jobs have days to seal while requests write to the trail. */
export async function plantOldEvents(db: D1Database): Promise<void> {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const insert = db.prepare(
    "INSERT INTO audit_events (id, action, actor_type, request_id, created_at) VALUES (?, 'user.created', 'system', 'before', ?)",
  );
  const times = Array.from({ length: DAYS * EVENTS_PER_DAY }, (_, index) =>
    Math.floor(today - DAYS * DAY_MS + (index * DAY_MS) / EVENTS_PER_DAY),
  );
  await db.batch(times.map((time) => insert.bind(firstIdAt(time), time)));
}

/** A service whose only person is an administrator, who is logged in. */
export async function createWorld(
  db: D1Database,
  parts: Pick<World, "send" | "random" | "outbox">,
): Promise<World> {
  const model = new Model();
  const nobody = {} as World["admin"];
  const world = { ...parts, model, admin: nobody };
  const admin = await register(world);
  await db.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.id).run();
  admin.role = "admin";
  world.admin = admin;
  await logIn(world, admin);
  return world;
}
