import { z } from "@hono/zod-openapi";
import { Problem } from "../http/problem.ts";
import { toProblemExample } from "./problem-responses.ts";

export const Index = z
  .object({
    name: z.string().openapi({ example: "Roster" }),
    version: z.string().openapi({ example: "0.2.0" }),
    docs: z.literal("/docs"),
    openapi: z.literal("/openapi.json"),
    health: z.literal("/health"),
  })
  .openapi("Index");

export const Health = z
  .object({ status: z.literal("healthy"), version: z.string().openapi({ example: "0.2.0" }) })
  .openapi("Health");

const Passed = z
  .object({ status: z.literal("ok"), duration_ms: z.number().openapi({ example: 1.2 }) })
  .openapi("PassedCheck");

const Failed = z
  .object({
    status: z.literal("failed"),
    detail: z.string().openapi({ example: "KV does not respond." }),
  })
  .openapi("FailedCheck");

const Check = z.union([Passed, Failed]);
const MailCheck = z.object({ status: z.enum(["ok", "off"]) }).openapi("MailCheck");
const DataKeysCheck = z.object({ status: z.enum(["ok", "missing"]) }).openapi("DataKeysCheck");

export const Ready = z
  .object({
    status: z.literal("ready"),
    checks: z.object({
      d1: Passed,
      kv: Passed,
      mail: MailCheck,
      data_keys: DataKeysCheck,
    }),
  })
  .openapi("Ready");

export const NotReady = Problem.extend({
  status: z.literal(503),
  code: z.enum(["misconfigured", "service_unavailable"]),
  checks: z.object({
    d1: Check,
    kv: Check,
    mail: MailCheck,
    data_keys: DataKeysCheck.optional().openapi({
      description: "Absent while the configuration is invalid.",
    }),
    config: Failed.optional().openapi({
      description: "Present if the configuration is invalid: the settings to correct.",
    }),
  }),
}).openapi("NotReadyProblem", { description: "The service is not ready." });

const PASSED = { status: "ok", duration_ms: 1.2 } as const;
const NO_KV = { status: "failed", detail: "KV does not respond." } as const;
const NO_SETTING = { status: "failed", detail: "MAC_KEYS: is missing" } as const;

/** An example of NotReady by code. */
export const notReadyExamples = {
  misconfigured: {
    value: {
      ...toProblemExample("misconfigured"),
      checks: { d1: PASSED, kv: PASSED, mail: { status: "off" }, config: NO_SETTING },
    },
  },
  service_unavailable: {
    value: {
      ...toProblemExample("service_unavailable"),
      checks: { d1: PASSED, kv: NO_KV, mail: { status: "ok" }, data_keys: { status: "ok" } },
    },
  },
};

export const Jwks = z
  .object({
    keys: z.array(
      z.object({
        kty: z.literal("OKP"),
        crv: z.literal("Ed25519"),
        x: z.string(),
        kid: z.string(),
        use: z.literal("sig"),
        alg: z.literal("EdDSA"),
      }),
    ),
  })
  .openapi("Jwks");
export type Jwks = z.infer<typeof Jwks>;
