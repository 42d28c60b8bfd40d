declare module "@vitest/runner" {
  interface TaskMeta {
    /** The documented operations and statuses that the responses of a test file had. */
    reached?: string[];
  }
}

/** Operations and statuses, such as `GET /health 200`. */
export interface StatusPairs {
  /** Those in the OpenAPI document. */
  documented: ReadonlySet<string>;
  /** Those that responses of the tests had. */
  reached: ReadonlySet<string>;
  /** Those that no test can reach. */
  excepted: ReadonlySet<string>;
}

/** What is wrong: documented statuses that no response had, and exceptions that are none. */
export function findStatusFaults({ documented, reached, excepted }: StatusPairs): string[] {
  const missing = [...documented].filter((pair) => !reached.has(pair) && !excepted.has(pair));
  const needless = [...excepted].filter((pair) => reached.has(pair) || !documented.has(pair));
  return [
    ...missing.map((pair) => `${pair}: no test reaches it`),
    ...needless.map((pair) => `${pair}: remove it from test/conformance/unreached.ts`),
  ];
}
