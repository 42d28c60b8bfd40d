const UNIQUE = /UNIQUE constraint failed: ([\w., ]+)/;
const FOREIGN_KEY = /FOREIGN KEY constraint failed/;
const TRANSIENT =
  /overloaded|Network connection lost|object to be reset|code was updated|transient issue|D1_ERROR: Internal error/i;

/** The `table.column` whose uniqueness a write broke, or undefined. */
export function findUniqueViolation(error: unknown): string | undefined {
  return messagesOf(error)
    .map((message) => UNIQUE.exec(message)?.[1])
    .find(Boolean);
}

/** True when a write named a row of another table that does not exist. */
export function isForeignKeyViolation(error: unknown): boolean {
  return messagesOf(error).some((message) => FOREIGN_KEY.test(message));
}

/** True when D1 could not answer now but is expected to soon. A write that failed so may have happened. */
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
