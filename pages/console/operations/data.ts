import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { type AuditEvent, readEvents } from "../audit/data.ts";
import { Metrics } from "./exposition.ts";

/** A check of `GET /ready`. */
export interface Check {
  status: string;
  duration_ms?: number;
  detail?: string;
}

/** What the service says about itself at one time. */
export interface Reading {
  at: Date;
  version: string;
  isReady: boolean;
  checks: [name: string, check: Check][];
  metrics: Metrics;
  /** Undefined if the caller may not read the audit trail. */
  lockOuts: AuditEvent[] | undefined;
}

/** Reads everything at once. */
export async function readOperations(mayReadEvents: boolean): Promise<Reading> {
  const [{ version }, readiness, metrics, lockOuts] = await Promise.all([
    ok(api.GET("/health")),
    readReadiness(),
    ok(api.GET("/metrics", { parseAs: "text" })),
    mayReadEvents ? readEvents({ action: "auth.locked_out" }, { limit: 10 }) : undefined,
  ]);
  return {
    at: new Date(),
    version,
    ...readiness,
    metrics: new Metrics(metrics),
    lockOuts: lockOuts?.data,
  };
}

// A service that is not ready answers 503, which says why.
async function readReadiness() {
  const call = api.GET("/ready");
  const { data, error } = await call;
  const checks = data?.checks ?? (error && "checks" in error ? error.checks : undefined);
  if (!checks) await ok(call);
  return { isReady: data !== undefined, checks: Object.entries(checks ?? {}) as [string, Check][] };
}
