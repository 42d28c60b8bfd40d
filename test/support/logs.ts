import { vi } from "vitest";
import { noteLine } from "./leaks.ts";

export interface LogLine {
  level: string;
  event: string;
  request_id: string;
  [field: string]: unknown;
}

/** Captures everything logged from now on, as written and parsed. */
export function captureLogs() {
  const spies = (["debug", "log", "info", "warn", "error"] as const).map((level) =>
    vi.spyOn(console, level).mockImplementation((...args) => noteLine(args)),
  );
  const raw = () => spies.flatMap((spy) => spy.mock.calls.map((call) => call.join(" ")));
  return {
    raw,
    text: () => raw().join("\n"),
    lines: () => raw().map((line) => JSON.parse(line) as LogLine),
    of: (event: string) =>
      raw()
        .map((line) => JSON.parse(line) as LogLine)
        .filter((line) => line.event === event),
  };
}
