import { and, between, eq, isNotNull, lt, type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { analyticsCohorts, analyticsDays, analyticsProgress } from "../db/schema/analytics.ts";
import { sessions } from "../db/schema/sessions.ts";
import { users } from "../db/schema/users.ts";
import { firstIdAt } from "../lib/ids.ts";
import { DAY, type Moment } from "../lib/time.ts";

/** Days as numbers since 1970, both included. */
export interface DayRange {
  from: number;
  to: number;
}

/** The name of the job that counts the events of the audit trail. Its progress is the id of the last event. */
const EVENTS = "audit_events";

/** What events of the audit trail count as, by the columns of a day. */
const EVENT_COUNTS = {
  // By those who register themselves. A trigger counts invitations that are accepted.
  registrations: sql`action = 'user.created' AND actor_type = 'anonymous'`,
  logins: sql`action = 'auth.login_succeeded'`,
  failedLogins: sql`action = 'auth.login_failed'`,
  // An account that is erased was deleted before, or is deleted at the same time.
  deletions: sql`action = 'user.deleted' OR (action = 'user.erased' AND metadata ->> 'was_deleted' = 0)`,
};

const whereUncounted = sql`id > (SELECT through FROM analytics_progress WHERE name = ${EVENTS})`;

const dayOfEvent = sql`created_at / ${sql.raw(String(DAY))}`;

const count = (condition: SQL) => sql<number>`count(CASE WHEN ${condition} THEN 1 END)`;

/** The numbers of users who are not deleted. Counts an index. */
export function countUsers(db: Db) {
  const sum = (column: SQL, name: string) => sql<number>`coalesce(sum(${column}), 0)`.as(name);
  return db
    .select({
      total: sql<number>`count(*)`.as("total"),
      active: sum(sql`is_active`, "active"),
      verified: sum(sql`email_verified`, "verified"),
      withMfa: sum(sql`mfa_enabled`, "with_mfa"),
    })
    .from(users)
    .where(sql`(deleted_at IS NULL) = 1`);
}

/** The number of sessions that have neither ended nor expired. Reads the sessions that began after `since`: all others have expired. */
export function countLiveSessions(db: Db, { now, revokedBefore }: Moment, since: number) {
  return db
    .select({ total: sql<number>`count(*)`.as("total") })
    .from(sessions)
    .where(
      sql`id > ${firstIdAt(since)} AND revoked_at IS NULL AND expires_at > ${now} AND created_at >= ${revokedBefore}`,
    );
}

/** What is stored of days, the earliest first. Days without a row have had nothing but what `listUncounted` returns. */
export function listDays(db: Db, { from, to }: DayRange) {
  return db
    .select()
    .from(analyticsDays)
    .where(between(analyticsDays.day, from, to))
    .orderBy(analyticsDays.day);
}

/** By day, what the events of the audit trail count as that the job has not counted yet, of which only the latest `limit` are read. */
export function listUncounted(db: Db, limit: number) {
  const events = sql`(SELECT action, actor_type, metadata, created_at FROM audit_events WHERE ${whereUncounted} ORDER BY id DESC LIMIT ${limit})`;
  return db
    .select({
      day: sql<number>`${dayOfEvent}`.as("day"),
      registrations: count(EVENT_COUNTS.registrations).as("registrations"),
      logins: count(EVENT_COUNTS.logins).as("logins"),
      failedLogins: count(EVENT_COUNTS.failedLogins).as("failed_logins"),
      deletions: count(EVENT_COUNTS.deletions).as("deletions"),
    })
    .from(sql`${events} AS counted`)
    .groupBy(sql`1`);
}

/** The next events of the audit trail that are to be counted. */
interface EventPage {
  /** Only events with smaller ids. */
  until: string;
  limit: number;
}

const selectUncounted = (columns: SQL, { until, limit }: EventPage) =>
  sql`(SELECT ${columns} FROM audit_events WHERE ${whereUncounted} AND id < ${until} ORDER BY id LIMIT ${limit}) AS counted`;

/** The ids of the events that are to be counted next. */
export function listUncountedIds(db: Db, page: EventPage) {
  return db.select({ id: sql<string>`id`.as("id") }).from(selectUncounted(sql`id`, page));
}

/** Adds what these events count as to their days. Must be followed by `advance` in the same transaction. */
export function addUncounted(db: Db, page: EventPage) {
  const events = selectUncounted(sql`action, actor_type, metadata, created_at`, page);
  const { registrations, logins, failedLogins, deletions } = EVENT_COUNTS;
  const counts = sql.join([registrations, logins, failedLogins, deletions].map(count), sql`, `);
  const add = (name: string) =>
    sql`${analyticsDays}.${sql.identifier(name)} + excluded.${sql.identifier(name)}`;
  return db
    .insert(analyticsDays)
    .select(
      sql`SELECT ${dayOfEvent}, ${counts}, 0, '{}', NULL FROM ${events} WHERE true GROUP BY 1`,
    )
    .onConflictDoUpdate({
      target: analyticsDays.day,
      set: {
        registrations: add("registrations"),
        logins: add("logins"),
        failedLogins: add("failed_logins"),
        deletions: add("deletions"),
      },
    });
}

/** Marks these events as counted. */
export function advance(db: Db, page: EventPage) {
  const last = sql`(SELECT max(id) FROM ${selectUncounted(sql`id`, page)})`;
  return db
    .update(analyticsProgress)
    .set({ through: sql`coalesce(${last}, ${analyticsProgress.through})` })
    .where(eq(analyticsProgress.name, EVENTS));
}

/** How far a job has come; no row before its first run. */
export function findProgress(db: Db, name: string) {
  return db
    .select({ through: analyticsProgress.through })
    .from(analyticsProgress)
    .where(eq(analyticsProgress.name, name));
}

/** Stores how far a job has come. */
export function storeProgress(db: Db, name: string, through: string) {
  return db
    .insert(analyticsProgress)
    .values({ name, through })
    .onConflictDoUpdate({ target: analyticsProgress.name, set: { through } });
}

/** How many people of each cohort were active in later weeks, as far as that is rolled up. Days are Mondays. */
export function listReturned(db: Db, { from, to }: DayRange) {
  return db
    .select()
    .from(analyticsCohorts)
    .where(between(analyticsCohorts.cohort, from, to));
}

/** The counts by cohort of days that are not rolled up. */
export function listUnrolled(db: Db, { from, to }: DayRange) {
  const { day, cohorts } = analyticsDays;
  return db
    .select({ day, cohorts })
    .from(analyticsDays)
    .where(and(between(day, from, to), isNotNull(cohorts)));
}

/** Adds the counts by cohort of the days before `before` to those of their weeks. Must be followed by `clearCohorts` in the same transaction. */
export function rollUpCohorts(db: Db, before: number) {
  return db
    .insert(analyticsCohorts)
    .select(
      sql`SELECT CAST(key AS INTEGER), day - (day + 3) % 7, sum(value) FROM analytics_days, json_each(cohorts)
        WHERE day < ${before} AND cohorts IS NOT NULL GROUP BY 1, 2`,
    )
    .onConflictDoUpdate({
      target: [analyticsCohorts.cohort, analyticsCohorts.week],
      set: { activeUsers: sql`${analyticsCohorts}.active_users + excluded.active_users` },
    });
}

/** Clears the counts by cohort of the days before `before`. Returns the days. */
export function clearCohorts(db: Db, before: number) {
  const { day, cohorts } = analyticsDays;
  return db
    .update(analyticsDays)
    .set({ cohorts: null })
    .where(and(lt(day, before), isNotNull(cohorts)))
    .returning({ day });
}

/** Removes when the users at the places after `after` to `to` were last active, if that was before the day `before`. */
export function clearLastActiveDays(
  db: Db,
  { after, to, before }: { after: number; to: number; before: number },
) {
  return db
    .update(users)
    .set({ lastActiveDay: null })
    .where(sql`seq > ${after} AND seq <= ${to} AND last_active_day < ${before}`)
    .returning({ id: users.id });
}

/** The last place in the order of users; null without users. */
export function findLastPlace(db: Db) {
  return db.select({ seq: sql<number | null>`max(seq)`.as("last_seq") }).from(users);
}
