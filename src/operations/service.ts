import { sql } from "drizzle-orm";
import type { ConfigResult } from "../config.ts";
import type { Bindings } from "../context.ts";
import { createDb } from "../db/client.ts";
import { roles } from "../db/schema/roles.ts";
import type { Meter } from "../lib/meter.ts";
import { createKv } from "../platform/kv.ts";

interface PassedCheck {
  status: "ok";
  duration_ms: number;
}

interface FailedCheck {
  status: "failed";
  detail: string;
}

export interface Readiness {
  d1: PassedCheck | FailedCheck;
  kv: PassedCheck | FailedCheck;
  config: FailedCheck | undefined;
}

/** Asks each thing that the service stands on whether it answers, and names what is wrong with the configuration. */
export async function checkReadiness(
  bindings: Bindings,
  config: ConfigResult,
  meter: Meter,
): Promise<Readiness> {
  const db = createDb(bindings.DB, meter);
  const kv = createKv(bindings.KV, meter);
  const countRoles = () => db.select({ count: sql<number>`count(*)`.as("count") }).from(roles);
  const [d1Check, kvCheck] = await Promise.all([
    check("D1 does not answer, or its migrations are not applied.", countRoles),
    check("KV does not answer.", () => kv.get("ready")),
  ]);
  return {
    d1: d1Check,
    kv: kvCheck,
    config: config.ok ? undefined : describeFaults(config.faults),
  };
}

async function check(
  detail: string,
  work: () => PromiseLike<unknown>,
): Promise<PassedCheck | FailedCheck> {
  const start = performance.now();
  try {
    await work();
    return { status: "ok", duration_ms: Math.round((performance.now() - start) * 10) / 10 };
  } catch {
    return { status: "failed", detail };
  }
}

function describeFaults(faults: readonly { setting: string; message: string }[]): FailedCheck {
  const detail = faults.map(({ setting, message }) => `${setting}: ${message}`).join("; ");
  return { status: "failed", detail };
}
