import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import type { Rows, Statements } from "../db/connection.ts";
import type { Statement } from "../db/statement.ts";
import { AppError } from "../errors.ts";
import {
  insertAuditEvent,
  insertAuditEvents,
  type NewAuditEvent,
  whereChanged,
  whereRecorded,
} from "./repository.ts";

/** A change, its audit event, and its effects. */
interface Change<C, T extends Statements> {
  /** The conditional statement. It returns a row for everything that it changed. */
  change: Statement<C[]>;
  /** Recorded directly after the change, if that changed something. */
  event: NewAuditEvent;
  /** Further events of the same change. */
  furtherEvents?: readonly NewAuditEvent[];
  /** Statements that follow from the change, by name. `recorded` is the SQL condition that the event is recorded. */
  effects?: (recorded: SQL) => T;
}

interface Commit<C, T extends Statements, R extends Statements> extends Change<C, T> {
  /**
   * Statements that must run before the change, for example because of a foreign key. Each needs every condition of the change,
   * because it applies even if the change does not.
   */
  before?: Statements;
  /** What the response needs, read after the change in the same transaction. */
  read?: R;
}

type NoStatements = Record<never, never>;

/**
 * The write protocol: sends a conditional change, its audit event, its effects and what the response needs as one transaction, in
 * one round trip. If the change matches nothing, no event is recorded, there are no effects, and `changed` is empty. Results have
 * the names of their statements.
 */
export async function commit<
  C,
  const T extends Statements = NoStatements,
  const R extends Statements = NoStatements,
>(ctx: Context, input: Commit<C, T, R>): Promise<{ changed: C[] } & Rows<T> & Rows<R>> {
  const { before, read } = input;
  const statements = joinNames(before, toStatements(ctx, input), read);
  const { change, ...rows } = await ctx.d1.send(statements);
  return { changed: change, ...rows } as unknown as { changed: C[] } & Rows<T> & Rows<R>;
}

/**
 * Commits two audited changes in one transaction, where the second follows from the first. Both are sent in the order of `commit`:
 * change, event, effects.
 */
export async function commitBoth<
  A,
  B,
  const T extends Statements = NoStatements,
  const R extends Statements = NoStatements,
>(
  ctx: Context,
  first: Change<A, T>,
  second: (recorded: SQL) => Change<B, NoStatements>,
  read?: R,
): Promise<{ changed: A[]; followed: B[] } & Rows<T> & Rows<R>> {
  const { change, event, ...effects } = toStatements(ctx, first);
  const following = toStatements(ctx, second(whereRecorded(first.event.id)));
  const followed = { followed: following.change, followedEvent: following.event };
  const statements = joinNames({ change, event }, effects, followed, read);
  const { change: changed, ...rows } = await ctx.d1.send(statements);
  return { changed, ...rows } as unknown as {
    changed: A[];
    followed: B[];
  } & Rows<T> &
    Rows<R>;
}

/** Commits many changes of one kind in one transaction, each with its event. Returns the rows of each change, in order. */
export async function commitAll<C>(
  ctx: Context,
  changes: readonly Change<C, Statements>[],
): Promise<C[][]> {
  return (await commitEach(ctx, changes)).map(({ changed }) => changed);
}

/** Like `commitAll`, and returns the rows of the effects, too, under the names that they have in each change. */
export async function commitEach<C, const T extends Statements>(
  ctx: Context,
  changes: readonly Change<C, T>[],
): Promise<({ changed: C[] } & Rows<T>)[]> {
  const statements = changes.flatMap((change, index) =>
    Object.entries(toStatements(ctx, change)).map(
      ([name, statement]) => [`${name} ${index}`, statement] as const,
    ),
  );
  if (statements.length === 0) return [];
  const rows = await ctx.d1.send(Object.fromEntries(statements));
  const results = changes.map((): Record<string, unknown> => ({}));
  for (const [name, found] of Object.entries(rows)) {
    const [key = "", index] = name.split(" ");
    const result = results[Number(index)];
    if (result) result[key === "change" ? "changed" : key] = found;
  }
  return results as unknown as ({ changed: C[] } & Rows<T>)[];
}

/** Rows that one statement inserts, the event of each, and what follows. */
interface Insertion<C, T extends Statements> {
  change: Statement<C[]>;
  /** One per row. Its target is the row. */
  events: readonly NewAuditEvent[];
  /** True if the row with this id was inserted. Ids are new, so that a row with one can only come from `change`. */
  whereMade: (id: SQL) => SQL;
  /** Statements that follow, by name, with what the response needs. */
  effects: T;
}

/**
 * Inserts many rows and the audit events of those that were inserted in one transaction. Rows whose conditions are not met leave
 * neither.
 */
export async function commitRows<C, const T extends Statements>(
  ctx: Context,
  { change, events, whereMade, effects }: Insertion<C, T>,
): Promise<{ changed: C[] } & Rows<T>> {
  const recorded = insertAuditEvents(ctx.db, events, whereMade);
  const statements = joinNames({ change, events: recorded }, effects);
  const { change: changed, events: _, ...rows } = await ctx.d1.send(statements);
  return { changed, ...rows } as unknown as { changed: C[] } & Rows<T>;
}

/** Records events that belong to no change, and sends their effects in the same transaction. */
export async function recordEvents<const T extends Statements = NoStatements>(
  ctx: Context,
  events: readonly NewAuditEvent[],
  effects?: T,
): Promise<Rows<T>> {
  const recorded = events.map((event, index) => [
    `event${index}`,
    insertAuditEvent(ctx.db, event, sql`true`),
  ]);
  return (await ctx.d1.send({ ...Object.fromEntries(recorded), ...effects })) as unknown as Rows<T>;
}

/** How often a change is attempted. Of concurrent attempts, at least one succeeds in each round. */
const MAX_ROUNDS = 25;

/**
 * Repeats an attempt until it returns a result. An attempt reads, plans and commits. It returns undefined if the commit changed
 * nothing, because the data had changed since it was read. The next attempt reads again, and either succeeds or throws the error
 * that explains why the change is refused. Throws `edit_conflict` if concurrent requests win every round.
 */
export async function retryOnConflict<T extends object>(
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const result = await attempt();
    if (result) return result;
  }
  throw new AppError("edit_conflict");
}

// The event must directly follow the change, because `changes()` refers to the previous statement.
function toStatements<C, T extends Statements>(
  { db }: Context,
  { change, event, furtherEvents = [], effects }: Change<C, T>,
) {
  const recorded = whereRecorded(event.id);
  const further = furtherEvents.map((other, index) => [
    `furtherEvent${index}`,
    insertAuditEvent(db, other, recorded),
  ]);
  const audited = { change, event: insertAuditEvent(db, event, whereChanged) };
  return { ...audited, ...joinNames(audited, Object.fromEntries(further), effects?.(recorded)) };
}

// A name used twice would replace a statement, and with it an audit event or an effect.
function joinNames(...groups: (Statements | undefined)[]): Statements {
  const joined: Record<string, Statements[string]> = {};
  for (const [name, statement] of groups.flatMap((group) => Object.entries(group ?? {}))) {
    if (name in joined) throw new Error(`two statements of one transaction are named ${name}`);
    joined[name] = statement;
  }
  return joined;
}
