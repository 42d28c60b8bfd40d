import type { Context as HonoContext } from "hono";
import type { Fault } from "../errors.ts";
import { parseIdempotencyKey } from "../lib/idempotency-key.ts";
import type { AppEnv } from "./app-env.ts";

const HEADER = "Idempotency-Key";

/** The `Idempotency-Key` header of an operation that is carried out once per key. For the OpenAPI document. */
export const IdempotencyKey = {
  name: HEADER,
  in: "header",
  required: false,
  description:
    "At most 255 visible ASCII characters, quoted or not: a new random text per request, for example a UUID. If you repeat the request " +
    "within 24 hours with the same key and the same body, it is not carried out again, and you get the first response, with " +
    "`Idempotency-Replayed: true`.",
  schema: { type: "string", pattern: "^[ -~]+$", maxLength: 512 },
  example: '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
} as const;

/** The key of a request. Undefined if there is none, or if it is malformed. */
export function readIdempotencyKey(c: HonoContext<AppEnv>): string | undefined {
  const header = c.req.header(HEADER);
  return header === undefined ? undefined : parseIdempotencyKey(header);
}

/** The fault of a malformed `Idempotency-Key`, if there is one. */
export function findKeyFaults(c: HonoContext<AppEnv>): Fault[] {
  const header = c.req.header(HEADER);
  if (header === undefined || parseIdempotencyKey(header) !== undefined) return [];
  const message = "Must have 1 to 255 visible ASCII characters, all in double quotes or without.";
  return [{ path: HEADER, code: "invalid_format", message }];
}
