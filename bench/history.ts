import type { DatabaseSync, SQLInputValue } from "node:sqlite";

/** What an ordinary person leaves behind in a year. */
export const HISTORY = { sessions: 10, events: 20, profiles: 0.5 };

const YEAR_MS = 365 * 24 * 3600 * 1000;
const TRANSACTION = 50_000;

type Row = Record<string, SQLInputValue>;

/** The bytes that the rows of a kind take, with their indexes. */
export interface Sizes {
  person: number;
  session: number;
  event: number;
}

/**
 * Fills the database with people and a year of their history. Every row is a copy of one that the API has written, with other ids,
 * names and times, so that it has the size that it has in production. Returns the bytes per row, from the growth of the file.
 */
export function fillHistory(database: DatabaseSync, templates: Templates, people: number): Sizes {
  const since = Date.now() - YEAR_MS;
  const idOf = (kind: string, index: number) => toId(since, index, kind);
  const person = (index: number) => idOf("8", index);
  // Insertions in the order of time, by people in no order.
  const someone = (index: number) => person((index * 7919) % people);
  const at = (index: number, count: number) => since + Math.floor((index / count) * YEAR_MS);
  const measure = (count: number, run: () => void) => {
    const before = sizeOf(database);
    run();
    return (sizeOf(database) - before) / count;
  };

  const user = measure(people, () => {
    insert(database, "users", people, (index) => ({
      ...templates.user,
      id: person(index),
      // A trigger sets it.
      seq: null,
      username: `person${index}`,
      username_key: `person${index}`,
      email: `person${index}@mail.example`,
      email_key: `person${index}@mail.example`,
      created_at: at(index, people),
    }));
    insert(database, "profiles", Math.floor(people * HISTORY.profiles), (index) => ({
      ...templates.profile,
      user_id: person(index),
    }));
  });
  const sessions = people * HISTORY.sessions;
  const session = measure(sessions, () =>
    insert(database, "sessions", sessions, (index) => ({
      ...templates.session,
      id: idOf("9", index),
      user_id: someone(index),
      revoked_at: index % HISTORY.sessions === 0 ? null : at(index, sessions),
      created_at: at(index, sessions),
    })),
  );
  const events = people * HISTORY.events;
  const event = measure(events, () =>
    insert(database, "audit_events", events, (index) => ({
      ...templates.event,
      id: idOf("a", index),
      actor_id: someone(index),
      target_id: someone(index),
      origin_of: someone(index),
      request_id: idOf("b", index),
      created_at: at(index, events),
    })),
  );
  return { person: user, session, event };
}

/** Rows that the API has written, to copy. */
export interface Templates {
  user: Row;
  profile: Row;
  session: Row;
  event: Row;
}

function insert(
  database: DatabaseSync,
  table: string,
  count: number,
  rowOf: (index: number) => Row,
) {
  const names = listColumns(database, table);
  const slots = names.map(() => "?").join(", ");
  const statement = database.prepare(
    `INSERT INTO ${table} (${names.join(", ")}) VALUES (${slots})`,
  );
  database.exec("BEGIN");
  for (let index = 0; index < count; index += 1) {
    const row = rowOf(index);
    statement.run(...names.map((name) => row[name] ?? null));
    if (index % TRANSACTION === 0) database.exec("COMMIT; BEGIN");
  }
  database.exec("COMMIT");
}

// `table_info` leaves out generated columns, which cannot be inserted.
function listColumns(database: DatabaseSync, table: string): string[] {
  const columns = database.prepare("SELECT name FROM pragma_table_info(?)").all(table);
  return columns.map(({ name }) => String(name));
}

/** The bytes of the database. */
export function sizeOf(database: DatabaseSync): number {
  const read = (pragma: string) =>
    Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
  return read("page_count") * read("page_size");
}

// In the form of a UUIDv7: the time, then the index.
function toId(since: number, index: number, variant: string): string {
  const time = (since + index).toString(16).padStart(12, "0");
  const rest = (index * 2_654_435_761).toString(16).padStart(15, "0").slice(-15);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-${variant}${rest.slice(3, 6)}-${rest.slice(3)}`;
}
