const UNIQUE = /UNIQUE constraint failed: ([\w., ]+)/;
const FOREIGN_KEY = /FOREIGN KEY constraint failed/;
// "database is locked" is SQLITE_BUSY: locally, another process is using the same database file.
const TRANSIENT =
  /overloaded|Network connection lost|object to be reset|code was updated|transient issue|D1_ERROR: Internal error|database is locked|SQLITE_BUSY/i;

/** The `table.column` whose unique constraint a write violated, or undefined. */
export function findUniqueViolation(error: unknown): string | undefined {
  return messagesOf(error)
    .map((message) => UNIQUE.exec(message)?.[1])
    .find(Boolean);
}

/** True if a write violated a foreign key: it refers to a row that does not exist. */
export function isForeignKeyViolation(error: unknown): boolean {
  return messagesOf(error).some((message) => FOREIGN_KEY.test(message));
}

/** True for a transient error of D1, after which a retry may succeed. The failed write may have been committed. */
export function isTransient(error: unknown): boolean {
  return messagesOf(error).some((message) => TRANSIENT.test(message));
}

function messagesOf(error: unknown): string[] {
  const messages: string[] = [];
  for (let at = error; at instanceof Error && messages.length < 5; at = at.cause) {
    messages.push(at.message);
  }
  return messages;
}
