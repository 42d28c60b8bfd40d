import { LOG_LEVELS, type LogLevel } from "../settings.ts";

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

const MAX_FRAMES = 8;
const MAX_CAUSES = 5;
const FRAME = /^\s*at .+/;
const SQLITE_CODE = /\bSQLITE_[A-Z_]+\b/;

/**
 * What is safe to log of an error and of what caused it: names, SQLite result codes and stack frames. Messages are left out,
 * because those of D1 can contain bound values. An error that the runtime throws may have no frames: then `stack` is where it
 * was logged.
 */
export function describeError(error: unknown): Record<string, unknown> {
  const causes: Record<string, unknown>[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause !== undefined && causes.length < MAX_CAUSES) {
    causes.push(describeOne(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  const described = describeOne(error);
  if (described.stack?.length === 0) described.stack = toFrames(new Error()).slice(1);
  return { ...described, ...(causes.length > 0 && { causes }) };
}

interface ErrorDescription extends Record<string, unknown> {
  error: string;
  stack?: string[];
}

function describeOne(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { error: typeof error };
  const sqlite = SQLITE_CODE.exec(error.message)?.[0];
  return { error: error.name, ...(sqlite && { sqlite }), stack: toFrames(error) };
}

// The stack begins with the message, which may contain lines that look like frames.
function toFrames({ stack = "", message }: Error): string[] {
  const head = stack.indexOf(message);
  const rest = head < 0 ? "" : stack.slice(head + message.length);
  const lines = rest.split("\n").filter((line) => FRAME.test(line));
  return lines.slice(0, MAX_FRAMES).map((line) => line.trim());
}
