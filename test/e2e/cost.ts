/** What requests cost in D1 and KV. */
export interface Cost {
  trips: number;
  rowsRead: number;
  rowsWritten: number;
  kvReads: number;
  kvWrites: number;
}

export const NO_COST: Cost = { trips: 0, rowsRead: 0, rowsWritten: 0, kvReads: 0, kvWrites: 0 };

/** The cost in a `Server-Timing` header. */
export function costOf(header: string | null): Cost {
  const figure = (name: string) => Number(new RegExp(`\\b${name}=(\\d+)`).exec(header ?? "")?.[1]);
  return {
    trips: figure("queries"),
    rowsRead: figure("rows_read"),
    rowsWritten: figure("rows_written"),
    kvReads: figure("reads"),
    kvWrites: figure("writes"),
  };
}

export function addCost(a: Cost, b: Cost): Cost {
  return {
    trips: a.trips + b.trips,
    rowsRead: a.rowsRead + b.rowsRead,
    rowsWritten: a.rowsWritten + b.rowsWritten,
    kvReads: a.kvReads + b.kvReads,
    kvWrites: a.kvWrites + b.kvWrites,
  };
}
