import type { Context } from "hono";
import type { AppEnv } from "../http/app-env.ts";

/** The name of the product, for pages that are served while a setting is wrong, too. */
export function readAppName(c: Context<AppEnv>): string {
  const config = c.get("config");
  return config.ok ? config.config.appName : "Roster";
}
