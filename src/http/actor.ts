import type { Context as HonoContext } from "hono";
import type { Actor } from "../context.ts";
import { AppError } from "../errors.ts";
import { parseId } from "../lib/ids.ts";
import type { AppEnv } from "./app-env.ts";

/** Who is asking, in a handler whose access rule lets only users through. */
export function currentUser(c: HonoContext<AppEnv>): Actor & { type: "user" } {
  const { actor } = c.var.ctx;
  if (actor.type !== "user") throw new AppError("unauthenticated");
  return actor;
}

/** The user whom `{id}` names: a UUID in lower case, `me` being the one who asks. */
export function targetId(c: HonoContext<AppEnv>): string {
  const id = c.req.param("id") ?? "";
  return id === "me" ? currentUser(c).userId : (parseId(id) ?? id);
}
