import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { users } from "../../db/schema/users.ts";
import { toNetwork } from "../../lib/address.ts";
import { computeMacText, firstKey } from "../../lib/mac.ts";
import type { AttemptCounter } from "./repository.ts";

/** The account that someone logs in to: the comparison key of its username or email. */
export interface LoginName {
  kind: "username" | "email";
  key: string;
}

/** The account whose password is checked. With a session, it is a logged-in user who confirms their own password. */
export type LoginIdentifier = LoginName | { kind: "id"; key: string; sessionId: string };

const COLUMNS = { username: users.usernameKey, email: users.emailKey, id: users.id } as const;

/** The column that an identifier is looked up in. */
export function toIdentifierColumn({ kind }: Pick<LoginIdentifier, "kind">) {
  return COLUMNS[kind];
}

/** The id of the account with an identifier; NULL if there is none. */
export function selectUserId(identifier: LoginIdentifier): SQL {
  const column = sql.identifier(toIdentifierColumn(identifier).name);
  return sql`(SELECT id FROM users WHERE ${column} = ${identifier.key} AND deleted_at IS NULL)`;
}

const HASH_BYTES = 9;

/** A keyed hash of the network that a request comes from: the /24 of an IPv4 address, or the /48 of an IPv6 address. */
export async function hashNetwork({ client, config }: Context): Promise<string> {
  const network = toNetwork(client.ip ?? "");
  return computeMacText(firstKey(config.macKeys), "network v1", network, HASH_BYTES);
}

/**
 * Where an attempt is counted: per account and network, whichever of its names is used, or per name and network if no account
 * has it. A logged-in user's attempts are counted per session, so that nobody else can use them up.
 */
export async function toCounter(
  ctx: Context,
  identifier: LoginIdentifier,
): Promise<AttemptCounter> {
  if (identifier.kind === "id") {
    return { key: sql`${`session:${identifier.sessionId}`}`, network: "session" };
  }
  // A keyed hash, because people type passwords as names by mistake, and those could be guessed from a plain hash.
  const key = firstKey(ctx.config.macKeys);
  const unknown = `unknown:${await computeMacText(key, "unknown login v1", identifier.key)}`;
  return {
    key: sql`coalesce('user:' || ${selectUserId(identifier)}, ${unknown})`,
    network: await hashNetwork(ctx),
  };
}
