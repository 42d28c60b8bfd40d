/** What one request cost, counted as it is spent. Durations are milliseconds. */
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

/** Awaits the work and adds its duration to the account, also when it fails. */
export async function timed<T>(account: { ms: number }, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    account.ms += performance.now() - start;
  }
}
