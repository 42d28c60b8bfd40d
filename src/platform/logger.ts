import { LOG_LEVELS, type LogLevel } from "../config.ts";

/** Logs one JSON line. Fields contain only ids, codes and numbers: no personal data, no secrets, no bound SQL values. */
export type Log = (
  level: LogLevel,
  event: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** What all lines of a logger have in common. */
interface LogScope {
  /** Lines below this level are not logged. */
  minLevel: LogLevel;
  fields: Readonly<Record<string, unknown>>;
}

/**
 * Creates a logger that adds the time and the fields of its scope to every line. The scope is read for each line, because a request
 * begins before its settings and its caller are known. JSON escapes CR and LF, so that values cannot forge lines.
 */
export function createLog(readScope: () => LogScope): Log {
  return (level, event, fields = {}) => {
    const { minLevel, fields: shared } = readScope();
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(minLevel)) return;
    const time = new Date().toISOString();
    console[level](JSON.stringify({ time, level, event, ...shared, ...fields }));
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
