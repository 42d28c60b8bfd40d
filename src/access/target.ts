import type { Context as HonoContext } from "hono";
import { AppError } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { parseId } from "../lib/ids.ts";
import type { Principal, UserPrincipal } from "./principal.ts";

/** Who is asking, in a handler whose access rule lets only principals through. */
export function currentPrincipal(c: HonoContext<AppEnv>): Principal {
  const { actor } = c.var.ctx;
  if (actor.type !== "user" && actor.type !== "api_key") throw new AppError("unauthenticated");
  return actor;
}

/** Who is asking, in a handler whose access rule refuses API keys. */
export function currentUser(c: HonoContext<AppEnv>): UserPrincipal {
  const principal = currentPrincipal(c);
  if (principal.type !== "user") throw new AppError("forbidden");
  return principal;
}

/** The user whom `{id}` names: a UUID in lower case, `me` being the one who asks. */
export function targetId(c: HonoContext<AppEnv>): string {
  const id = c.req.param("id") ?? "";
  return id === "me" ? currentPrincipal(c).userId : (parseId(id) ?? id);
}
