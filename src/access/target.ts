import { type SQL, sql } from "drizzle-orm";
import type { Context as HonoContext } from "hono";
import type { AppEnv } from "../http/app-env.ts";
import { parseId } from "../lib/ids.ts";
import type { SessionCredential } from "./credential.ts";
import { keysRefused } from "./require.ts";

/** A user by id, or by an SQL expression for the id if only D1 knows it. */
export type UserRef = string | SQL;

/** The user that `{id}` identifies: a UUID in lower case, or the caller for `me`. */
export function targetUser(c: HonoContext<AppEnv>): UserRef {
  const id = c.req.param("id") ?? "";
  return id === "me" ? callingUser(c) : (parseId(id) ?? id);
}

/** The user whose credential was sent. */
export function callingUser(c: HonoContext<AppEnv>): UserRef {
  const credential = c.get("ctx").access?.credential;
  if (!credential) throw new Error("no caller in an operation open to everyone");
  if (credential.type === "session") return credential.userId;
  return sql`(SELECT owner.user_id FROM api_keys AS owner WHERE owner.secret_hash = ${credential.secretHash})`;
}

/** The id of the user that `{id}` identifies, in an operation that refuses API keys. */
export function targetPerson(c: HonoContext<AppEnv>): string {
  const target = targetUser(c);
  if (typeof target !== "string") throw keysRefused();
  return target;
}

/** The session whose access token was sent, in an operation that refuses API keys. */
export function callingPerson(c: HonoContext<AppEnv>): SessionCredential {
  const credential = c.get("ctx").access?.credential;
  if (credential?.type !== "session") throw keysRefused();
  return credential;
}
