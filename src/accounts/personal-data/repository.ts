import { type SQL, sql } from "drizzle-orm";
import type { UserRef } from "../../access/target.ts";

/**
 * True for an audit event that has a user as its target, actor or origin. The subqueries use one index each; the last repeats
 * the condition of the partial index on `origin_of`.
 */
export function whereEventConcerns(user: UserRef): SQL {
  return sql`audit_events.id IN (SELECT id FROM audit_events WHERE target_id = ${user}
    UNION SELECT id FROM audit_events WHERE actor_id = ${user}
    UNION SELECT id FROM audit_events WHERE origin_of = ${user} AND origin_of IS NOT actor_id AND origin_of IS NOT target_id)`;
}
