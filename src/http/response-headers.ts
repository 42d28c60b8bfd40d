import type { ErrorCode } from "../errors.ts";

interface HeaderDescription {
  description: string;
  /** True if every response that documents the header has it. */
  required: boolean;
  schema: { type: "string" | "integer"; format?: string; minimum?: number };
  example: string | number;
}

const text = { type: "string" } as const;

/** The headers of responses that clients can rely on, for the OpenAPI document. */
export const RESPONSE_HEADERS = {
  "Accept-Patch": {
    description:
      "The content types that a PATCH accepts (RFC 5789 section 3.1). Absent from responses to other methods.",
    required: false,
    schema: text,
    example: "application/json, application/merge-patch+json",
  },
  ETag: {
    description:
      "The version of the resource, for `If-Match` and `If-None-Match` (RFC 9110 section 8.8.3).",
    required: true,
    schema: text,
    example: '"3-6578a7cd08b0"',
  },
  "Idempotency-Replayed": {
    description:
      "`true` if the request repeats an earlier one with the same `Idempotency-Key`, whose response this is.",
    required: false,
    schema: text,
    example: "true",
  },
  Location: {
    description: "The path of the new resource, or of the page to go to.",
    required: true,
    schema: { ...text, format: "uri-reference" },
    example: "/v1/users/0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11",
  },
  RateLimit: {
    description:
      "How many more requests the policy allows (`r`), and after how many seconds the count resets (`t`). Absent if the policy is " +
      "switched off, and from responses that are sent before the request is counted.",
    required: false,
    schema: text,
    example: '"read";r=999;t=3600',
  },
  "RateLimit-Policy": {
    description:
      "The rate limit policy of the operation: how many requests it allows (`q`) per window in seconds (`w`).",
    required: false,
    schema: text,
    example: '"read";q=1000;w=3600',
  },
  "Retry-After": {
    description: "After how many seconds to try again (RFC 9110 section 10.2.3).",
    required: true,
    schema: { type: "integer", minimum: 1 },
    example: 5,
  },
  "Set-Cookie": {
    description:
      "The cookie `__Secure-roster_refresh` of a browser that stays signed in, with `HttpOnly`, `Secure`, `SameSite=Strict` and " +
      "`Path=/v1/auth/refresh`. `Max-Age=0` removes it.",
    required: false,
    schema: text,
    example:
      "__Secure-roster_refresh=rrt_k3Zt…; Max-Age=604800; Path=/v1/auth/refresh; HttpOnly; Secure; SameSite=Strict",
  },
  "WWW-Authenticate": {
    description: "How to authenticate (RFC 6750 section 3).",
    required: true,
    schema: text,
    example: 'Bearer realm="roster"',
  },
  "X-D1-Bookmark": {
    description:
      "The state of the database that the response shows or has made, if read replicas are in use (`D1_READ_REPLICAS`). Send it with " +
      "your next request to read what you have written. Absent from responses that did not need the database.",
    required: false,
    schema: text,
    example: "00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683",
  },
  "X-Request-Id": {
    description:
      "Identifies the request in logs. It is the client's own `X-Request-Id` if that has 8 to 128 letters, digits, `_` or `-`.",
    required: true,
    schema: text,
    example: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11",
  },
} as const satisfies Readonly<Record<string, HeaderDescription>>;

export type ResponseHeader = keyof typeof RESPONSE_HEADERS;

/** The `headers` of a documented response: references to `components.headers`. */
export function toHeaders(names: readonly ResponseHeader[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/**
 * What the responses of an operation have besides what its route declares. A route has it as `x-responses`, and the OpenAPI document
 * is completed from it when it is built, because an isolate that is not asked for the document needs none of it.
 */
export interface ResponseRules {
  /** The codes of the errors that the operation answers. */
  errors: readonly ErrorCode[];
  /** True if the operation has a rate limit policy. */
  isLimited: boolean;
  /** True if the operation takes an `Idempotency-Key`. */
  isReplayable: boolean;
}

/** The headers of every response of an operation. */
export function listCommonHeaders({
  isLimited,
}: Pick<ResponseRules, "isLimited">): ResponseHeader[] {
  if (!isLimited) return ["X-Request-Id"];
  return ["X-Request-Id", "RateLimit", "RateLimit-Policy", "X-D1-Bookmark"];
}
