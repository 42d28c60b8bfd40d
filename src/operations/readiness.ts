import { sql } from "drizzle-orm";
import { reportMissingKey } from "../audit/data-keys.ts";
import { sampleDataKeys } from "../audit/repository.ts";
import type { ConfigResult } from "../config.ts";
import {
  type Bindings,
  type CheckResult,
  createMailer,
  getIsolate,
  type Memory,
} from "../context.ts";
import { db } from "../db/client.ts";
import { connect } from "../db/connection.ts";
import { roles } from "../db/schema/roles.ts";
import { wrappingKeyId } from "../lib/data-key.ts";
import type { Meter } from "../lib/meter.ts";
import { SECOND } from "../lib/time.ts";
import { createKv } from "../platform/kv.ts";
import type { Log } from "../platform/logger.ts";

/** How long a failure is repeated before the store is asked again. A success is repeated for five seconds. */
const FAILURE_TTL_MS = SECOND;

/** How many users' data keys are compared with `DATA_KEYS`: of users who are not deleted, and of those who are. */
const SAMPLE_SIZE = { living: 16, deleted: 4 };

interface Subject {
  bindings: Bindings;
  config: ConfigResult;
  meter: Meter;
  log: Log;
  waitUntil(work: Promise<unknown>): void;
}

export interface Readiness {
  d1: CheckResult;
  kv: CheckResult;
  /** Without email, the service is ready, and the operations that need it answer 503. */
  mail: { status: "ok" | "off" };
  /** Undefined while the configuration is invalid. */
  data_keys: { status: "ok" | "missing" } | undefined;
  config: CheckResult | undefined;
}

/**
 * Checks that D1 and KV respond and that `DATA_KEYS` is complete, and reports invalid settings. Each isolate asks the stores at
 * most once in five seconds, or once per second while one fails, however many requests there are.
 *
 * `data_keys` is `missing` if this isolate has met a data key that it cannot unwrap, in a request or in the sample of users that is
 * read with each check. A key that few users depend on can be missing from the sample: then `missing` shows in an isolate that has
 * handled one of them.
 */
export async function checkReadiness(subject: Subject): Promise<Readiness> {
  const { bindings, config, meter } = subject;
  const { memory } = getIsolate(bindings);
  const kv = createKv(bindings.KV, meter);
  const [d1Check, kvCheck] = await Promise.all([
    check(subject, "d1", "D1 does not respond, or its migrations are not applied.", () =>
      askD1(subject, memory),
    ),
    check(subject, "kv", "KV does not respond.", () => kv.get("ready")),
  ]);
  return {
    d1: d1Check,
    kv: kvCheck,
    mail: { status: config.ok && createMailer(config.config.mail, bindings.EMAIL) ? "ok" : "off" },
    data_keys: config.ok ? { status: memory.missingKeys.size > 0 ? "missing" : "ok" } : undefined,
    config: config.ok ? undefined : describeFaults(config.faults),
  };
}

async function askD1({ bindings, config, meter, log }: Subject, memory: Memory): Promise<void> {
  const rolesCount = db.select({ count: sql<number>`count(*)`.as("count") }).from(roles);
  const { living, deleted } = await connect(bindings.DB, meter).send({
    rolesCount,
    living: config.ok && sampleDataKeys(db, SAMPLE_SIZE.living, "living"),
    deleted: config.ok && sampleDataKeys(db, SAMPLE_SIZE.deleted, "deleted"),
  });
  if (!config.ok) return;
  const { dataKeys } = config.config;
  for (const { dataKey } of [...living, ...deleted]) {
    const isUnknown = dataKey !== null && !dataKeys.has(wrappingKeyId(dataKey));
    if (isUnknown) reportMissingKey({ log, memory }, dataKey);
  }
}

// Concurrent requests share a check. It continues if the request that began it is cancelled, because others may wait for it.
function check(
  { bindings, waitUntil }: Subject,
  name: string,
  detail: string,
  work: () => Promise<unknown>,
): Promise<CheckResult> {
  const { checks } = getIsolate(bindings).memory;
  const known = checks.get(name, Date.now());
  if (known) return known;
  const running = measure(detail, work).then((result) => {
    if (result.status === "failed") checks.set(name, running, Date.now(), FAILURE_TTL_MS);
    return result;
  });
  checks.set(name, running, Date.now());
  waitUntil(running);
  return running;
}

async function measure(detail: string, work: () => Promise<unknown>): Promise<CheckResult> {
  const start = performance.now();
  try {
    await work();
    return { status: "ok", duration_ms: Math.round((performance.now() - start) * 10) / 10 };
  } catch {
    return { status: "failed", detail };
  }
}

function describeFaults(faults: readonly { setting: string; message: string }[]): CheckResult {
  const detail = faults.map(({ setting, message }) => `${setting}: ${message}`).join("; ");
  return { status: "failed", detail };
}
