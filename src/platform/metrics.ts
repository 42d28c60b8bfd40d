import { newId } from "../lib/ids.ts";
import { SECOND } from "../lib/time.ts";

/** The upper bounds of the histogram of durations, in seconds. Alerts compare with 0.5 s. */
export const DURATION_BOUNDS = [
  "0.005",
  "0.01",
  "0.025",
  "0.05",
  "0.1",
  "0.25",
  "0.5",
  "1",
  "2.5",
  "5",
  "10",
  "+Inf",
] as const;

interface CounterDeclaration {
  labels: readonly string[];
  /** The values of the only label. Their series exist from the start, with 0. */
  values?: readonly string[];
}

/**
 * What isolates count, with its labels. No label may have a value that a client can choose freely, or an id. The buckets of the
 * histogram are counted one by one, and become cumulative where they are rendered.
 */
export const COUNTERS = {
  roster_http_requests_total: { labels: ["route", "method", "status"] },
  roster_http_request_duration_seconds_bucket: { labels: ["route", "le"] },
  roster_http_request_duration_seconds_sum: { labels: ["route"] },
  roster_logins_total: {
    labels: ["result"],
    values: ["success", "invalid_credentials", "invalid_code", "too_many_attempts", "mfa_required"],
  },
  roster_lockouts_total: {
    labels: ["scope"],
    values: ["network", "account", "session", "second_factor"],
  },
  roster_rate_limited_total: { labels: ["policy"], values: ["auth", "refresh", "read", "write"] },
  roster_introspections_total: { labels: ["source"], values: ["memory", "kv", "d1"] },
  roster_mail_deliveries_total: {
    labels: ["result"],
    values: ["sent", "retried", "refused", "given_up"],
  },
  roster_d1_round_trips_total: { labels: [] },
  roster_d1_rows_read_total: { labels: [] },
  roster_d1_rows_written_total: { labels: [] },
  roster_kv_operations_total: { labels: ["operation"], values: ["read", "write"] },
} as const satisfies Record<string, CounterDeclaration>;

export type CounterName = keyof typeof COUNTERS;

type Labels<N extends CounterName> = Readonly<
  Record<(typeof COUNTERS)[N]["labels"][number], string>
>;

/** Adds to a counter of the isolate; by default 1. */
export type Count = <N extends CounterName>(name: N, labels: Labels<N>, by?: number) => void;

/** Counts that are added to D1 together. D1 adds a batch once, however often it is sent. */
export interface CountBatch {
  /** The isolate. */
  writer: string;
  /** Greater than those of the isolate's earlier batches. */
  sequence: number;
  /** What is added to each series. A series is a JSON array of the counter's name and the values of its labels. */
  counts: readonly (readonly [series: string, by: number])[];
}

/** An isolate adds its counts to D1 no more often than this. */
const WRITE_INTERVAL_MS = 30 * SECOND;

/** How long counts wait for others: well under the 30 seconds that work behind a response may take. */
const WRITE_DELAY_MS = 20 * SECOND;

/** A longer wait would be cut off, together with the write after it. */
const MAX_WAIT_MS = 28 * SECOND;

/** A timer may end a little before its time. */
const TIMER_PRECISION_MS = SECOND;

/** Between the name of a counter and the values of its labels, of which none contains it. */
const SEPARATOR = "\n";

type Values = Readonly<Record<string, string>>;

/** The counts of an isolate that are not in D1 yet, and when they are to be added there. */
export class IsolateCounts {
  readonly #writer = newId();
  #sequence = 0;
  #counts = new Map<string, number>();
  /** The batch that was sent last, unless D1 is known to have it. */
  #unconfirmed: CountBatch | undefined;
  #dueAt = 0;
  #isScheduled = false;
  #writtenAt = Number.NEGATIVE_INFINITY;

  readonly count: Count = (name, labels, by = 1) => {
    if (by === 0) return;
    let series: string = name;
    for (const label of COUNTERS[name].labels) series += SEPARATOR + (labels as Values)[label];
    this.#counts.set(series, (this.#counts.get(series) ?? 0) + by);
  };

  /**
   * Plans the next write and returns its time; undefined if there is nothing to write, if a planned write is still to come, or if
   * it is too early: then a later request plans it. A write whose time has passed was cut off with the request that waited for it.
   */
  planWrite(now: number): number | undefined {
    if (this.#counts.size === 0 && !this.#unconfirmed) return undefined;
    if (this.#isScheduled && now < this.#dueAt) return undefined;
    if (this.#writtenAt + WRITE_INTERVAL_MS - now > MAX_WAIT_MS) return undefined;
    const delayMs = this.#isScheduled ? 0 : WRITE_DELAY_MS;
    this.#isScheduled = true;
    this.#dueAt = Math.max(now + delayMs, this.#writtenAt + WRITE_INTERVAL_MS);
    return this.#dueAt;
  }

  /**
   * What to write if the planned time has come, at most once per interval: the batch that D1 may not have, or else all counts. Counts
   * that are added later are in the next batch.
   */
  takeDue(now: number): CountBatch | undefined {
    if (!this.#isScheduled || now < this.#dueAt - TIMER_PRECISION_MS) return undefined;
    this.#isScheduled = false;
    this.#writtenAt = now;
    if (this.#unconfirmed || this.#counts.size === 0) return this.#unconfirmed;
    this.#sequence += 1;
    this.#unconfirmed = {
      writer: this.#writer,
      sequence: this.#sequence,
      counts: [...this.#counts].map(([series, by]) => [toArrayText(series), by]),
    };
    this.#counts = new Map();
    return this.#unconfirmed;
  }

  /** Notes that D1 has a batch. Otherwise it is written again. */
  confirm(batch: CountBatch): void {
    if (this.#unconfirmed === batch) this.#unconfirmed = undefined;
  }
}

function toArrayText(series: string): string {
  return JSON.stringify(series.split(SEPARATOR));
}
