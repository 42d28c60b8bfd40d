type Level = "info" | "warn" | "error";

/** Writes one JSON line. Fields hold ids, codes and figures: no personal data, no secret, no bound value. */
export type Log = (level: Level, event: string, fields?: Readonly<Record<string, unknown>>) => void;

/** A logger whose every line carries the request's id. JSON escapes CR and LF, so that no value forges a line. */
export function createLog(requestId: string): Log {
  return (level, event, fields = {}) => {
    console[level](JSON.stringify({ level, event, request_id: requestId, ...fields }));
  };
}

/** What is safe to log of an error: its kind and stack frames. Messages stay out, because a database error's message holds bound values. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error };
  const head = error.stack?.indexOf(error.message) ?? 0;
  const frames = error.stack
    ?.slice(head + error.message.length)
    .split("\n")
    .slice(1, 9);
  return {
    error: error.name,
    stack: frames?.map((line) => line.trim()),
    ...(error.cause instanceof Error && { cause: error.cause.name }),
  };
}
