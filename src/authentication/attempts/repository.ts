import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { insertWhere } from "../../db/insert.ts";
import { loginAttempts } from "../../db/schema/login-attempts.ts";
import { ALL_NETWORKS, type AttemptLimits } from "./limits.ts";

const USER_PREFIX = "user:";
const FACTOR_PREFIX = "mfa:";
const EMAIL_PREFIX = "email:";

/** Under which key attempts are counted, and the keyed hash of the network that they come from. */
export interface AttemptCounter {
  key: SQL;
  network: string;
}

/**
 * Counts an attempt before the password is checked. Returns no row if the limit of its network is reached, or the limit of all
 * networks for a network that the account has not logged in from recently; otherwise the stored attempts. Counts nothing unless the
 * condition holds, if there is one. Only scalar functions are used, because D1 bills each row of `json_each` as a row read.
 */
export function countAttempt(
  db: Db,
  { key, network }: AttemptCounter,
  limits: AttemptLimits,
  condition?: SQL,
) {
  const { now, windowMs, limit, totalLimit, knownSince } = limits;
  const expiresAt = now + windowMs;
  const attempts = JSON.stringify({ [ALL_NETWORKS]: [now], [network]: [now] });
  const counted = appendTime(
    appendTime(selectPruned(now - windowMs), network, now, limit),
    ALL_NETWORKS,
    now,
    // One more than the limit, so that it can be told whether the limit was reached by this attempt.
    totalLimit + 1,
  );
  const hasFewer = (name: string, count: number) =>
    sql`coalesce(login_attempts.attempts ->> ${pathOf(name, `[#-${count}]`)}, 0) <= ${now - windowMs}`;
  const whereKnown = sql`EXISTS (SELECT 1 FROM users AS owner WHERE owner.id = substr(login_attempts.key, ${USER_PREFIX.length + 1})
    AND owner.known_networks ->> ${pathOf(network)} > ${knownSince})`;
  const row = { key, attempts, expiresAt };
  // A condition costs a row read.
  const insert = condition
    ? insertWhere(db, loginAttempts, row, condition)
    : db.insert(loginAttempts).values(row);
  return insert
    .onConflictDoUpdate({
      target: loginAttempts.key,
      set: { attempts: counted, expiresAt },
      setWhere: sql`${hasFewer(network, limit)} AND (${hasFewer(ALL_NETWORKS, totalLimit)} OR ${whereKnown})`,
    })
    .returning({ key: loginAttempts.key, attempts: loginAttempts.attempts });
}

/** Longer JSON is pruned: it may contain networks whose attempts have left the window. */
const PRUNE_LENGTH = 8192;

function selectPruned(since: number): SQL {
  return sql`CASE WHEN length(login_attempts.attempts) <= ${PRUNE_LENGTH} THEN login_attempts.attempts
    ELSE (SELECT json_group_object(key, json(value)) FROM json_each(login_attempts.attempts) WHERE value ->> '$[#-1]' > ${since}) END`;
}

// Appends a time to an array of at most `limit` times, which is created if it does not exist.
function appendTime(json: SQL, name: string, time: number, limit: number): SQL {
  const created = sql`json_insert(${json}, ${pathOf(name)}, json_array())`;
  const appended = sql`json_insert(${created}, ${pathOf(name, "[#]")}, ${time})`;
  // The path exists only if there are more than `limit` times.
  return sql`json_remove(${appended}, ${pathOf(name, `[#-${limit + 1}]`)})`;
}

// Names are base64url or `*`, so they need no escaping.
function pathOf(name: string, element = ""): string {
  return `$."${name}"${element}`;
}

/** The attempts under a key, which determine how long a lock-out lasts. */
export function findAttempts(db: Db, { key }: Pick<AttemptCounter, "key">) {
  return db
    .select({ attempts: loginAttempts.attempts })
    .from(loginAttempts)
    .where(sql`${loginAttempts.key} = ${key}`);
}

/** An attempt that was counted. */
export interface CountedAttempt {
  key: string;
  network: string;
}

/**
 * After a login, clears the attempts from its network where the condition holds. Its earlier failures still count towards the limit
 * of all networks.
 */
export function clearAttempts(db: Db, { key, network }: CountedAttempt, condition: SQL) {
  const total = pathOf(ALL_NETWORKS, "[#-1]");
  return db
    .update(loginAttempts)
    .set({
      attempts: sql`json_remove(${loginAttempts.attempts}, ${pathOf(network)}, ${total})`,
    })
    .where(and(eq(loginAttempts.key, key), condition));
}

/** Deletes the attempts under a key where the condition holds. */
export function deleteAttempts(db: Db, key: string, condition: SQL = sql`true`) {
  return db
    .delete(loginAttempts)
    .where(and(eq(loginAttempts.key, key), condition))
    .returning({ key: loginAttempts.key });
}

/** Deletes all attempts on a user's account, those of second factors included, where the condition holds. */
export function deleteAttemptsOfUser(db: Db, userId: string, condition: SQL) {
  return db
    .delete(loginAttempts)
    .where(and(inArray(loginAttempts.key, listAttemptKeys(userId)), condition))
    .returning({ key: loginAttempts.key });
}

/** A part of all counts, in the order of their keys, starting after the key in `after`. */
export interface AttemptPage {
  after: string;
  limit: number;
}

const selectPage = ({ after, limit }: AttemptPage) =>
  sql`(SELECT key FROM login_attempts WHERE key > ${after} ORDER BY key LIMIT ${limit})`;

/** The last key of a part; null if it is empty. */
export function findLastKey(db: Db, page: AttemptPage) {
  return db.select({ key: sql<string | null>`max(key)`.as("last_key") }).from(selectPage(page));
}

/** Deletes the counts of a part that have expired. */
export function deleteExpiredLoginAttempts(db: Db, page: AttemptPage, now: number) {
  return db
    .delete(loginAttempts)
    .where(sql`${loginAttempts.key} IN ${selectPage(page)} AND ${loginAttempts.expiresAt} < ${now}`)
    .returning({ key: loginAttempts.key });
}

/** The key under which failed logins to an account are counted, whichever of its names is used. */
export function toAttemptKey(userId: string): string {
  return USER_PREFIX + userId;
}

/** Where wrong codes of a user's second factors are counted, whichever factor and address they come from. */
export function toFactorCounter(userId: string): AttemptCounter & { text: string } {
  const text = FACTOR_PREFIX + userId;
  return { text, key: sql`${text}`, network: "codes" };
}

/** Where wrong codes of emails are counted: by the account in `userId`, or by the address if that is NULL. */
export function toEmailCounter(userId: SQL, addressHash: string): AttemptCounter {
  const key = sql`coalesce(${EMAIL_PREFIX} || ${userId}, ${EMAIL_PREFIX + addressHash})`;
  return { key, network: "codes" };
}

/** Every key under which attempts on a user's account are counted, except those of their sessions. */
export function listAttemptKeys(userId: string): string[] {
  return [toAttemptKey(userId), toFactorCounter(userId).text, EMAIL_PREFIX + userId];
}
