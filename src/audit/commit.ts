import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import type { Rows, Statements } from "../db/connection.ts";
import type { Statement } from "../db/statement.ts";
import { AppError } from "../errors.ts";
import { insertAuditEvent, type NewAuditEvent, whereChanged, whereRecorded } from "./repository.ts";

/** A change, its audit event, and what follows from it. */
interface Change<C, T extends Statements> {
  /** The conditional statement that decides. It returns a row when it changed something. */
  change: Statement<C[]>;
  /** Recorded directly behind the change, if it changed something. */
  event: NewAuditEvent;
  /** Further events of the same change. */
  furtherEvents?: readonly NewAuditEvent[];
  /** What follows from the change, by name. `recorded` is true once the event is recorded. */
  effects?: (recorded: SQL) => T;
}

interface Commit<C, T extends Statements, R extends Statements> extends Change<C, T> {
  /** What the answer needs, read after the change in the same transaction. */
  read?: R;
}

type NoStatements = Record<never, never>;

/**
 * The write protocol: a conditional change with its audit event, what follows from it and what the answer needs, as one
 * transaction and one round trip. A change that matched nothing records nothing and has no consequence: then `changed` is
 * empty. Results have the names of their statements.
 */
export async function commit<
  C,
  const T extends Statements = NoStatements,
  const R extends Statements = NoStatements,
>(ctx: Context, input: Commit<C, T, R>): Promise<{ changed: C[] } & Rows<T> & Rows<R>> {
  const statements = { ...toStatements(ctx, input), ...input.read };
  const { change, ...rows } = await ctx.d1.send(statements);
  return { changed: change, ...rows } as unknown as { changed: C[] } & Rows<T> & Rows<R>;
}

/**
 * Two audited changes in one transaction, where the second follows from the first. Both keep the order of `commit`: change,
 * event, consequences.
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
  const { change, event, ...consequences } = toStatements(ctx, first);
  const following = toStatements(ctx, second(whereRecorded(first.event.id)));
  const statements = {
    change,
    event,
    ...consequences,
    followed: following.change,
    followedEvent: following.event,
    ...read,
  };
  const { change: changed, ...rows } = await ctx.d1.send(statements);
  return { changed, ...rows } as unknown as {
    changed: A[];
    followed: B[];
  } & Rows<T> &
    Rows<R>;
}

/** Many changes of one kind in one transaction, each with its event. Returns the rows of each change, in order. */
export async function commitAll<C>(
  ctx: Context,
  changes: readonly Change<C, Statements>[],
): Promise<C[][]> {
  const statements = changes.flatMap((change, index) =>
    Object.entries(toStatements(ctx, change)).map(
      ([name, statement]) => [`${name} ${index}`, statement] as const,
    ),
  );
  if (statements.length === 0) return [];
  const rows = await ctx.d1.send(Object.fromEntries(statements));
  return changes.map((_, index) => (rows[`change ${index}`] ?? []) as C[]);
}

/** Records something that happened without changing anything, with what follows from it. */
export async function record<const T extends Statements = NoStatements>(
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

/** Others may keep changing the same thing at the same moment; in each round at least one of them succeeds. */
const MAX_ROUNDS = 25;

/**
 * Runs an attempt until it returns something. An attempt reads, plans and commits, and returns undefined when the commit
 * changed nothing because what it had read was no longer true. The next attempt reads again, and so finds out why: it throws
 * what is to be told. Throws `edit_conflict` when others are faster every time.
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

// The event stands directly behind the change, because `changes()` speaks of the statement before it.
function toStatements<C, T extends Statements>(
  { db }: Context,
  { change, event, furtherEvents = [], effects }: Change<C, T>,
) {
  const recorded = whereRecorded(event.id);
  const further = furtherEvents.map((other, index) => [
    `furtherEvent${index}`,
    insertAuditEvent(db, other, recorded),
  ]);
  return {
    change,
    event: insertAuditEvent(db, event, whereChanged),
    ...(Object.fromEntries(further) as Statements),
    ...effects?.(recorded),
  };
}
