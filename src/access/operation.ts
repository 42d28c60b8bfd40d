import { createRoute, OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { ErrorCode } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { FORM_TYPE, readBody } from "../http/body.ts";
import { problems } from "../http/problem.ts";
import { policyOfMethod, type RateLimitPolicy, rateLimit } from "../http/rate-limit.ts";
import { onInvalid } from "../http/validation.ts";
import { guard, identify } from "./guard.ts";
import { type Access, describeAccess } from "./rule.ts";

type OperationConfig = RouteConfig & {
  operationId: string;
  summary: string;
  tags: string[];
  access: Access;
  /** For operations open to everyone; all others are held to the policy of their method. */
  rateLimitPolicy?: RateLimitPolicy;
  errors: readonly ErrorCode[];
  middleware?: never;
};

const IN_PERSON = [{ accessToken: [] }];
const IN_PERSON_OR_BY_KEY = [...IN_PERSON, { apiKey: [] }];

/**
 * Declares an operation. Its access rule is enforced before anything of the request is validated, and shown in the
 * OpenAPI document together with every error that the declaration implies. Unknown query parameters are refused.
 */
export function operation<const P extends string, R extends OperationConfig & { path: P }>(
  config: R,
) {
  const { access, errors, rateLimitPolicy, ...route } = config;
  const isLimited = access.kind !== "public" || rateLimitPolicy !== undefined;
  const body = route.request?.body;
  const hasBody = body !== undefined;
  const middleware = [...guards(access, rateLimitPolicy, route.method)];
  if (hasBody) middleware.push(readBody({ takesForms: FORM_TYPE in body.content }));
  return createRoute<P, R & { middleware: MiddlewareHandler<AppEnv>[] }>({
    ...route,
    request: { query: z.strictObject({}), ...route.request },
    middleware,
    security: securityOf(access),
    "x-permission": describeAccess(access),
    responses: {
      ...route.responses,
      ...problems(impliedErrors(access, hasBody, isLimited, errors)),
    },
  } as unknown as R & { middleware: MiddlewareHandler<AppEnv>[] });
}

function securityOf(access: Access) {
  if (access.kind === "public") return [];
  return access.personal ? IN_PERSON : IN_PERSON_OR_BY_KEY;
}

function guards(access: Access, policy: RateLimitPolicy | undefined, method: string) {
  if (access.kind === "public") return policy ? [rateLimit(policy)] : [];
  return [identify(access), rateLimit(policy ?? policyOfMethod(method)), guard];
}

/** A router for a feature's operations. */
export function createRouter() {
  return new OpenAPIHono<AppEnv>({ defaultHook: onInvalid });
}

/** A required JSON request body. */
export function jsonBody<S extends z.ZodType>(schema: S) {
  return { content: { "application/json": { schema } }, required: true } as const;
}

/** A request body as a form, or as JSON. Either way the handler finds it under `json`: see http/body.ts. */
export function formBody<S extends z.ZodType>(schema: S) {
  return {
    content: {
      [FORM_TYPE]: { schema },
      "application/json": { schema },
    },
  } as const;
}

/** What a response can carry beside its body. */
const HEADERS = {
  ETag: "The version of the resource, for `If-Match` and `If-None-Match`.",
  Location: "Where the new resource is.",
} as const;

/** A JSON response, with the headers that it carries. */
export function jsonContent<S extends z.ZodType>(
  schema: S,
  description: string,
  carries: readonly (keyof typeof HEADERS)[] = [],
) {
  const headers = Object.fromEntries(
    carries.map((name) => [
      name,
      { description: HEADERS[name], schema: { type: "string" } as const },
    ]),
  );
  return { description, headers, content: { "application/json": { schema } } } as const;
}

function impliedErrors(
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
