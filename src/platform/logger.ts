type Level = "info" | "warn" | "error";

/** Logs one JSON line. Fields contain only ids, codes and numbers: no personal data, no secrets, no bound SQL values. */
export type Log = (level: Level, event: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Creates a logger that adds the request id to every line. JSON escapes CR and LF, so that values cannot forge lines. */
export function createLog(requestId: string): Log {
  return (level, event, fields = {}) => {
    console[level](JSON.stringify({ level, event, request_id: requestId, ...fields }));
  };
}

/** What is safe to log of an error: its name and stack frames. Messages are left out, because those of D1 can contain bound values. */
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
