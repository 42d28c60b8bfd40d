import { sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import { type Acting, read } from "../../access/read.ts";
import { requireStepUp } from "../../access/step-up.ts";
import { commitRows } from "../../audit/commit.ts";
import { createAuditEvent, withActorDataKey } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { ofRow } from "../../db/insert.ts";
import { users } from "../../db/schema/users.ts";
import { AppError, type Fault } from "../../errors.ts";
import { requireUnanswered } from "../../idempotency/answers.ts";
import { MemoryCache } from "../../lib/memory-cache.ts";
import { MINUTE } from "../../lib/time.ts";
import { whereCreatable } from "../users/by-key.ts";
import { DEFAULT_ROLE, describeNewPerson, describeNewUser, toNeeds } from "../users/create.ts";
import { insertUsers } from "../users/repository.ts";
import {
  insertProfiles,
  listGrants,
  listNotInserted,
  whereNew,
  whereNotCreated,
  whereRoleExists,
} from "./repository.ts";
import { createRowReader, type Draft, findRoleFaults, type Grants, rename } from "./rows.ts";
import type { ImportUsers } from "./schema.ts";

/** A transaction inserts at most this many rows, and this much JSON: D1 takes 2 MB per parameter. */
const CHUNK_ROWS = 250;
const CHUNK_CHARACTERS = 256 * 1024;

/** How often the rows of a transaction are sent again because the caller's authority changed meanwhile. */
const MAX_ROUNDS = 5;

/** What became of a row: the id of the new user, or why it was rejected. */
export type Outcome = { id: string } | { faults: readonly Fault[] };

const EMAIL_TAKEN: Fault = {
  path: "email",
  code: "email_taken",
  message: "Another user, or an earlier row, has this email address.",
};
const USERNAME_TAKEN: Fault = {
  path: "username",
  code: "username_taken",
  message: "Another user, or an earlier row, has this username.",
};

/** The rows of earlier transactions, and others of the same one, are not undone. */
const CONFLICT_DETAIL =
  "Concurrent requests kept changing the roles of these rows or your permissions. Some rows may have been created. Repeat the request " +
  "with the same Idempotency-Key.";

/**
 * Creates users from rows, and returns what became of each, in order. A row that is invalid or whose name is taken is rejected,
 * and the others are created. Rows are inserted in several transactions: if one fails, the users of those before it remain.
 * When the call is repeated with the same `key`, their rows get the same ids, and they count as created without being inserted
 * again. No email is sent. Throws `forbidden`, `edit_conflict`. Earlier rows may have been created when it throws.
 */
export async function importUsers(
  ctx: Context,
  input: ImportUsers,
  key?: string,
): Promise<Outcome[]> {
  const { acting: caller, grants } = await readAuthority(ctx, input);
  if (grantsRoles(caller, grants)) requireStepUp(caller);
  await requireUnanswered(caller);
  const acting = await withActorDataKey(caller);
  const reader = createRowReader(acting, grants, { hashing: input.hash_parameters, key });
  const outcomes: Outcome[] = [];
  const drafts: Draft[] = [];
  for (const [index, row] of input.data.entries()) {
    const result = await reader.readRow(row, index);
    if (Array.isArray(result)) outcomes[index] = { faults: result };
    else drafts.push(result);
  }
  for (const chunk of toChunks(drafts)) await insertChunk(acting, input, chunk, outcomes);
  return outcomes;
}

async function readAuthority(
  ctx: Context,
  { data }: Pick<ImportUsers, "data">,
): Promise<{ acting: Acting; grants: Grants }> {
  const named = data.map((row) => (row as { role?: unknown } | null)?.role);
  const names = new Set([DEFAULT_ROLE, ...named.filter((role) => typeof role === "string")]);
  const { acting, roles } = await read(ctx, { roles: listGrants(ctx.db, [...names]) });
  return { acting, grants: new Map(roles.map(({ name, permissions }) => [name, permissions])) };
}

// Without the permission, only the rows are rejected: 403 precedes a step-up.
function grantsRoles({ actor }: Acting, grants: Grants): boolean {
  const isAssigned = [...grants.keys()].some((role) => role !== DEFAULT_ROLE);
  return isAssigned && actor.permissions.includes("roles:assign");
}

function* toChunks(drafts: readonly Draft[]): Generator<Draft[]> {
  let chunk: Draft[] = [];
  let size = 0;
  for (const draft of drafts) {
    if (chunk.length === CHUNK_ROWS || (chunk.length > 0 && size + draft.size > CHUNK_CHARACTERS)) {
      yield chunk;
      chunk = [];
      size = 0;
    }
    chunk.push(draft);
    size += draft.size;
  }
  if (chunk.length > 0) yield chunk;
}

// A row that is neither inserted nor taken was stopped by the conditions on the caller: what they may do is read again.
async function insertChunk(
  acting: Acting,
  input: ImportUsers,
  chunk: readonly Draft[],
  outcomes: Outcome[],
): Promise<void> {
  let pending = [...chunk];
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { again, unexplained } = await insertDrafts(acting, pending, outcomes);
    pending = again;
    if (unexplained.length > 0) {
      const { acting: caller, grants } = await readAuthority(acting, input);
      for (const draft of unexplained) {
        const faults = findRoleFaults(caller, grants, draft.row.role);
        if (faults.length > 0) outcomes[draft.index] = { faults };
        else pending.push(draft);
      }
    }
    if (pending.length === 0) return;
  }
  throw new AppError("edit_conflict", { detail: CONFLICT_DETAIL });
}

async function insertDrafts(acting: Acting, drafts: readonly Draft[], outcomes: Outcome[]) {
  const missing = new Map((await sendDrafts(acting, drafts)).map((row) => [row.id, row]));
  const again: Draft[] = [];
  const unexplained: Draft[] = [];
  for (const draft of drafts) {
    const { index, row, isRenamable } = draft;
    const refused = missing.get(row.id);
    const faults = [
      ...(refused?.isEmailTaken ? [EMAIL_TAKEN] : []),
      ...(refused?.isUsernameTaken && !isRenamable ? [USERNAME_TAKEN] : []),
    ];
    if (!refused) outcomes[index] = { id: row.id };
    else if (faults.length > 0) outcomes[index] = { faults };
    else if (refused.isUsernameTaken) again.push(rename(draft));
    else unexplained.push(draft);
  }
  return { again, unexplained };
}

/** Sends the transaction. Returns the users who were not inserted. */
async function sendDrafts(acting: Acting, drafts: readonly Draft[]) {
  const { db } = acting;
  const rows = drafts.map(({ row }) => row);
  const role = ofRow(users.role);
  const needs = rows.flatMap((row) => toNeeds(row.role)).slice(0, 1);
  const whereAllowed = whereAuthorized(acting, { needs, grants: role });
  const profiles = drafts.flatMap(({ row, profile }) =>
    profile ? [{ userId: row.id, values: profile.values, now: row.updatedAt }] : [],
  );
  const { missing } = await commitRows(acting, {
    change: insertUsers(
      db,
      rows,
      sql`${whereAllowed} AND ${whereCreatable(acting, role)} AND ${whereRoleExists} AND ${whereNotCreated}`,
    ),
    events: await createEvents(acting, drafts),
    whereMade: whereNew,
    effects: {
      profiles: profiles.length > 0 && insertProfiles(db, profiles),
      missing: listNotInserted(db, rows),
    },
  });
  return missing;
}

function createEvents(acting: Acting, drafts: readonly Draft[]) {
  // A cache of their own: the keys of those who are created would displace those of callers.
  const dataKeys = new MemoryCache<CryptoKey>(2 * drafts.length, MINUTE);
  const ctx = { ...acting, memory: { ...acting.memory, dataKeys } };
  return Promise.all(
    drafts.map(({ row, profile }) =>
      createAuditEvent(ctx, {
        action: "user.created",
        targetType: "user",
        targetId: row.id,
        changes: {
          ...describeNewUser(row),
          email_verified: { from: null, to: row.emailVerified },
        },
        personal: { of: row, changes: { ...describeNewPerson(row), ...profile?.changes } },
        metadata: { reason: "import" },
      }),
    ),
  );
}
