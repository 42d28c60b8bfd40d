import { z } from "@hono/zod-openapi";
import { pageOf } from "../../http/pagination.ts";
import type { SealRow } from "./repository.ts";

const DIGEST = "5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456";

export const AuditSeal = z
  .object({
    day: z.iso.date().openapi({ description: "The day, in UTC.", example: "2026-11-20" }),
    count: z.int().openapi({ description: "The number of the day's events.", example: 1840 }),
    first_id: z
      .uuid()
      .nullable()
      .openapi({ description: "The id of the first event. Null for a day without events." }),
    last_id: z
      .uuid()
      .nullable()
      .openapi({ description: "The id of the last event. Null for a day without events." }),
    digest: z.string().openapi({
      description:
        "SHA-256 in hex over `previous_digest` and the day's events as stored, in the order of their ids, each as RFC 8785 JSON, joined " +
        "by line feeds.",
      example: DIGEST,
    }),
    previous_digest: z.string().nullable().openapi({
      description: "The `digest` of the day before. Null for the first day.",
      example: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    }),
    signature: z.string().openapi({
      description:
        "A compact JWS (EdDSA, `typ` audit-seal+json) whose payload is the other fields as RFC 8785 JSON. /.well-known/jwks.json has the " +
        "key, until it is removed after a rotation.",
      example: "eyJhbGciOiJFZERTQSIsImtpZCI6IjIwMjYtMTEiLCJ0eXAiOiJhdWRpdC1zZWFsK2pzb24ifQ…",
    }),
    kid: z.string().openapi({ description: "The id of the signing key.", example: "2026-11" }),
  })
  .openapi("AuditSeal");

export const AuditSealPage = pageOf(AuditSeal, "AuditSealPage");

/** A seal as the API returns it and as it is archived. */
export function presentSeal(row: SealRow): z.infer<typeof AuditSeal> {
  return {
    day: row.day,
    count: row.count,
    first_id: row.firstId,
    last_id: row.lastId,
    digest: row.digest,
    previous_digest: row.previousDigest,
    signature: row.signature,
    kid: row.kid,
  };
}
