/** The cost of one request so far. Durations are in milliseconds. */
export interface Meter {
  d1: { queries: number; rowsRead: number; rowsWritten: number; ms: number };
  kv: { reads: number; writes: number; ms: number };
}

export function createMeter(): Meter {
  return {
    d1: { queries: 0, rowsRead: 0, rowsWritten: 0, ms: 0 },
    kv: { reads: 0, writes: 0, ms: 0 },
  };
}

/** Runs work and adds its duration to the total, even if the work fails. */
export async function measureDuration<T>(
  total: { ms: number },
  work: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    total.ms += performance.now() - start;
  }
}
