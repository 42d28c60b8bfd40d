import { createRoute, OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { ErrorCode } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { FORM_TYPE, readBody } from "../http/body.ts";
import { toProblemResponses } from "../http/problem.ts";
import { policyOfMethod, type RateLimitPolicy, rateLimit } from "../http/rate-limit.ts";
import { onInvalid } from "../http/validation.ts";
import { guard, identify } from "./guard.ts";
import { type Access, describeAccess } from "./rule.ts";

type OperationConfig = RouteConfig & {
  operationId: string;
  summary: string;
  tags: string[];
  access: Access;
  /** By default, operations open to everyone have no limit, and all others have the policy of their method. */
  rateLimitPolicy?: RateLimitPolicy;
  errors: readonly ErrorCode[];
  middleware?: never;
};

const ACCESS_TOKEN = [{ accessToken: [] }];
const ACCESS_TOKEN_OR_API_KEY = [...ACCESS_TOKEN, { apiKey: [] }];

/**
 * Declares an operation. Its access rule takes precedence over validation, and is in the OpenAPI document together with every
 * error that the declaration implies. Unknown query parameters are refused.
 */
export function operation<const P extends string, R extends OperationConfig & { path: P }>(
  config: R,
) {
  const { access, errors, rateLimitPolicy, ...route } = config;
  const isLimited = access.kind !== "public" || rateLimitPolicy !== undefined;
  const body = route.request?.body;
  const hasBody = body !== undefined;
  const middleware = [...createGuards(access, rateLimitPolicy, route.method)];
  if (hasBody) {
    middleware.push(readBody({ acceptsForms: FORM_TYPE in body.content }));
  }
  return createRoute<P, R & { middleware: MiddlewareHandler<AppEnv>[] }>({
    ...route,
    request: { query: z.strictObject({}), ...route.request },
    middleware,
    security: describeSecurity(access),
    "x-permission": describeAccess(access),
    responses: {
      ...route.responses,
      ...toProblemResponses(listErrors(access, hasBody, isLimited, errors)),
    },
  } as unknown as R & { middleware: MiddlewareHandler<AppEnv>[] });
}

function describeSecurity(access: Access) {
  if (access.kind === "public") return [];
  return access.personal ? ACCESS_TOKEN : ACCESS_TOKEN_OR_API_KEY;
}

function createGuards(access: Access, policy: RateLimitPolicy | undefined, method: string) {
  if (access.kind === "public") return policy ? [rateLimit(policy)] : [];
  return [identify(access), rateLimit(policy ?? policyOfMethod(method)), guard];
}

/** Creates the router for the operations of a feature. */
export function createRouter() {
  return new OpenAPIHono<AppEnv>({ defaultHook: onInvalid });
}

/** A required JSON request body. */
export function jsonBody<S extends z.ZodType>(schema: S) {
  return { content: { "application/json": { schema } }, required: true } as const;
}

/** A required request body as a form or as JSON. The handler gets both as `json` (see http/body.ts). */
export function formBody<S extends z.ZodType>(schema: S) {
  return {
    content: {
      [FORM_TYPE]: { schema },
      "application/json": { schema },
    },
  } as const;
}

/** The headers that a response can declare. */
const HEADERS = {
  ETag: "The version of the resource, for `If-Match` and `If-None-Match`.",
  Location: "The path of the new resource.",
} as const;

/** A JSON response and its headers. */
export function jsonContent<S extends z.ZodType>(
  schema: S,
  description: string,
  headerNames: readonly (keyof typeof HEADERS)[] = [],
) {
  const headers = Object.fromEntries(
    headerNames.map((name) => [
      name,
      { description: HEADERS[name], schema: { type: "string" } as const },
    ]),
  );
  return { description, headers, content: { "application/json": { schema } } } as const;
}

function listErrors(
  access: Access,
  hasBody: boolean,
  isLimited: boolean,
  own: readonly ErrorCode[],
): readonly ErrorCode[] {
  const codes: ErrorCode[] = ["validation_failed"];
  if (isLimited) codes.push("rate_limited");
  if (hasBody) codes.push("malformed_json", "payload_too_large", "unsupported_media_type");
  if (access.kind !== "public") codes.push("conflicting_credentials", "unauthenticated");
  if (access.kind !== "public") codes.push("forbidden");
  return [...codes, ...own, "internal_error", "service_unavailable"];
}
