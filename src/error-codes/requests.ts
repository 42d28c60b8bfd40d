import type { ErrorTable } from "./table.ts";

/** What can be wrong with any request or with the service, whatever the operation. */
export const REQUEST_ERRORS = {
  malformed_json: [400, "Malformed JSON", "The request body is not valid JSON in UTF-8."],
  unreadable_body: [
    400,
    "Unreadable body",
    "The request body ended early, or its chunks are malformed. Send the whole request again.",
  ],
  conflicting_credentials: [
    400,
    "Conflicting credentials",
    "Send one credential: an Authorization header or an X-API-Key header, not both.",
  ],
  invalid_bookmark: [
    400,
    "Invalid bookmark",
    "Send X-D1-Bookmark as you got it with an earlier response, or leave it out.",
  ],
  unauthenticated: [
    401,
    "Not authenticated",
    "Log in and send the access token as `Authorization: Bearer <token>`, or an API key as `X-API-Key`.",
  ],
  forbidden: [403, "Forbidden", "You do not have the permission that this operation needs."],
  not_found: [
    404,
    "Not found",
    "There is no resource at this path. See /docs for the operations of the API.",
  ],
  method_not_allowed: [
    405,
    "Method not allowed",
    "This path does not support the method. The Allow header lists the methods that it supports.",
  ],
  edit_conflict: [
    409,
    "Edit conflict",
    "Concurrent requests kept changing the resource. Nothing was changed. Try again.",
  ],
  request_in_progress: [
    409,
    "Request in progress",
    "Another request with this Idempotency-Key is still running. Repeat the request with the same key in a second.",
  ],
  version_conflict: [
    412,
    "Version conflict",
    "The resource has changed since you read it. Read it again and send its new ETag in If-Match.",
  ],
  payload_too_large: [
    413,
    "Payload too large",
    "The request body is larger than 64 KiB, or 1 MiB for an import.",
  ],
  unsupported_media_type: [
    415,
    "Unsupported media type",
    "Send the body as JSON in UTF-8 with `Content-Type: application/json`. PATCH also takes `application/merge-patch+json`.",
  ],
  validation_failed: [
    422,
    "Validation failed",
    "Part of the request is missing or invalid. `errors` lists every problem.",
  ],
  idempotency_key_reused: [
    422,
    "Idempotency key reused",
    "This Idempotency-Key was used for another request within the last 24 hours. Send a new key with each new request.",
  ],
  rate_limited: [
    429,
    "Rate limited",
    "Too many requests. Try again after the number of seconds in Retry-After.",
  ],
  internal_error: [
    500,
    "Internal error",
    "An unexpected error occurred. Include the request_id when you report it.",
  ],
  service_unavailable: [
    503,
    "Service unavailable",
    "The service is temporarily unavailable. Try again after the number of seconds in Retry-After.",
  ],
  mail_not_configured: [
    503,
    "Email not configured",
    "This needs email, and the service is not set up to send any. Ask its operator to configure email.",
  ],
  misconfigured: [
    503,
    "Misconfigured",
    "The service is not configured correctly. GET /ready lists the problems.",
  ],
} as const satisfies ErrorTable;
