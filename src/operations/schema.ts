import { z } from "@hono/zod-openapi";

export const Index = z
  .object({
    name: z.string().openapi({ example: "Roster" }),
    version: z.string().openapi({ example: "0.1.0" }),
    docs: z.literal("/docs"),
    openapi: z.literal("/openapi.json"),
    health: z.literal("/health"),
  })
  .openapi("Index");

export const Health = z
  .object({ status: z.literal("healthy"), version: z.string().openapi({ example: "0.1.0" }) })
  .openapi("Health");

const Check = z.object({
  status: z.literal("ok"),
  duration_ms: z.number().openapi({ example: 1.2 }),
});

export const Ready = z
  .object({
    status: z.literal("ready"),
    checks: z.object({
      d1: Check,
      kv: Check,
      mail: z.object({ status: z.enum(["ok", "off"]) }),
      data_keys: z.object({ status: z.enum(["ok", "missing"]) }),
    }),
  })
  .openapi("Ready");

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
