import { sql } from "drizzle-orm";
import type { ConfigResult } from "../config.ts";
import { type Bindings, createMailer } from "../context.ts";
import { db } from "../db/client.ts";
import { connect } from "../db/connection.ts";
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
  /** Without email, the service is ready, and the operations that need it answer 503. */
  mail: { status: "ok" | "off" };
  config: FailedCheck | undefined;
}

/** Checks that D1 and KV respond, and reports invalid settings. */
export async function checkReadiness(
  bindings: Bindings,
  config: ConfigResult,
  meter: Meter,
): Promise<Readiness> {
  const d1 = connect(bindings.DB, meter);
  const kv = createKv(bindings.KV, meter);
  const rolesCount = db.select({ count: sql<number>`count(*)`.as("count") }).from(roles);
  const [d1Check, kvCheck] = await Promise.all([
    check("D1 does not respond, or its migrations are not applied.", () => d1.send({ rolesCount })),
    check("KV does not respond.", () => kv.get("ready")),
  ]);
  return {
    d1: d1Check,
    kv: kvCheck,
    mail: { status: config.ok && createMailer(config.config.mail, bindings.EMAIL) ? "ok" : "off" },
    config: config.ok ? undefined : describeFaults(config.faults),
  };
}

async function check(
  detail: string,
  work: () => Promise<unknown>,
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
