import { createRoute, OpenAPIHono, type RouteConfig, type z } from "@hono/zod-openapi";
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import type { ErrorCode } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { FORM_TYPE, NDJSON_TYPE, readBody } from "../http/body.ts";
import { Bookmark, readBookmark } from "../http/bookmark.ts";
import { policyOfMethod, type RateLimitPolicy, rateLimit } from "../http/rate-limit.ts";
import { NO_QUERY, setRules, takesIdempotencyKey } from "../http/request-rules.ts";
import { type ResponseHeader, type ResponseRules, toHeaders } from "../http/response-headers.ts";
import { onInvalid } from "../http/validation.ts";
import { guard, identify } from "./guard.ts";
import { type Access, describeAccess, type QueryNeeds, type StepUp } from "./rule.ts";

type OperationConfig = RouteConfig & {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  access: Access;
  /** What the operation answers 503 without: by default `stores`, which includes the configuration. */
  needs?: "stores" | "configuration" | "nothing";
  /** By default, operations open to everyone have no limit, and all others have the policy of their method. */
  rateLimitPolicy?: RateLimitPolicy;
  /** The maximum size of the body, if it is not 64 KiB. */
  maxBodyBytes?: number;
  /** When the caller must have been authenticated recently (RFC 9470): always, or in the cases that the text names. */
  stepUp?: StepUp;
  /** Whether people may read their own data from a read replica, with an access token. */
  mayLag?: true;
  /** What query parameters need in addition to `access`. */
  queryNeeds?: QueryNeeds;
  /** The security scheme of a cookie that the operation takes, if it is open to everyone. */
  takesCookie?: "refreshCookie";
  errors: readonly ErrorCode[];
  /** What only the service can find wrong with a body, so that it is reported together with the faults of an invalid one. */
  check?(c: HonoContext<AppEnv>, fields: object): Promise<unknown>;
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
  const {
    access: admitted,
    stepUp,
    errors,
    needs = "stores",
    rateLimitPolicy,
    maxBodyBytes,
    mayLag,
    queryNeeds,
    takesCookie,
    check,
    ...route
  } = config;
  const access = requiring(admitted, stepUp);
  const isLimited = access.kind !== "public" || rateLimitPolicy !== undefined;
  const body = route.request?.body;
  const hasBody = body !== undefined;
  const isReplayable = takesIdempotencyKey(route);
  const guards = createGuards({
    access,
    policy: rateLimitPolicy,
    method: route.method,
    mayLag,
    queryNeeds,
  });
  const middleware = [setRules(route, check), ...guards];
  if (hasBody) {
    const accepts = {
      acceptsForms: FORM_TYPE in body.content,
      acceptsLines: NDJSON_TYPE in body.content,
      isOptional: body.required === false,
    };
    middleware.push(readBody({ ...accepts, maxBytes: maxBodyBytes }));
  }
  return createRoute<P, R & { middleware: MiddlewareHandler<AppEnv>[] }>({
    ...route,
    ...(isLimited && { parameters: [...(route.parameters ?? []), Bookmark] }),
    request: { query: NO_QUERY, ...route.request },
    middleware,
    security: takesCookie ? [{}, { [takesCookie]: [] }] : describeSecurity(access),
    "x-permission": describeAccess(access),
    ...(stepUp !== undefined && { "x-step-up": stepUp }),
    "x-responses": {
      errors: listErrors({ access, hasBody, isLimited, isReplayable, needs, own: errors }),
      isLimited,
      isReplayable,
    } satisfies ResponseRules,
  } as unknown as R & { middleware: MiddlewareHandler<AppEnv>[] });
}

function requiring(access: Access, stepUp: StepUp | undefined): Access {
  if (stepUp === undefined) return access;
  if (access.kind !== "public") return { ...access, stepUp };
  if (!access.callers) throw new Error("a step-up of nobody");
  return { ...access, callers: { ...access.callers, stepUp } };
}

function describeSecurity(access: Access) {
  if (access.kind === "public") return access.callers ? [{}, ...ACCESS_TOKEN] : [];
  if (access.takesMfaToken) return [...ACCESS_TOKEN, {}];
  return access.personal ? ACCESS_TOKEN : ACCESS_TOKEN_OR_API_KEY;
}

interface GuardOptions {
  access: Access;
  policy: RateLimitPolicy | undefined;
  method: string;
  mayLag: true | undefined;
  queryNeeds: QueryNeeds | undefined;
}

function createGuards({ access, policy, method, mayLag, queryNeeds }: GuardOptions) {
  const isPublic = access.kind === "public";
  const callers = isPublic ? access.callers : access;
  if (!callers) return policy ? [readBookmark, rateLimit(policy)] : [];
  const limit = rateLimit(policy ?? policyOfMethod(method));
  const identified = identify(callers, { mayLag: mayLag === true, queryNeeds });
  return [readBookmark, identified, limit, ...(isPublic ? [] : [guard])];
}

/** Creates the router for the operations of a feature. */
export function createRouter() {
  return new OpenAPIHono<AppEnv>({ defaultHook: onInvalid });
}

/** A required JSON request body. */
export function jsonBody<S extends z.ZodType>(schema: S) {
  return { content: { "application/json": { schema } }, required: true } as const;
}

/** A JSON request body without required fields, which may be left out altogether. */
export function optionalJsonBody<S extends z.ZodType>(schema: S) {
  return { content: { "application/json": { schema } }, required: false } as const;
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

/** A required request body as JSON, or as its array `data` line by line. The handler gets both as `json` (see http/body.ts). */
export function linesBody<S extends z.ZodType>(schema: S, line: z.ZodType) {
  return {
    content: { "application/json": { schema }, [NDJSON_TYPE]: { schema: line } },
    required: true,
  } as const;
}

/** A JSON response and its headers. */
export function jsonContent<S extends z.ZodType>(
  schema: S,
  description: string,
  headerNames: readonly ResponseHeader[] = [],
) {
  const headers = toHeaders(headerNames);
  return { description, headers, content: { "application/json": { schema } } } as const;
}

/** A response of newline-delimited JSON, whose lines are described by the schema. */
export function linesContent<S extends z.ZodType>(schema: S, description: string) {
  return { description, content: { [NDJSON_TYPE]: { schema } } } as const;
}

interface ErrorSources {
  access: Access;
  hasBody: boolean;
  isLimited: boolean;
  isReplayable: boolean;
  needs: NonNullable<OperationConfig["needs"]>;
  own: readonly ErrorCode[];
}

function listErrors(sources: ErrorSources): ErrorCode[] {
  const { access, hasBody, isLimited, isReplayable, needs, own } = sources;
  const codes: ErrorCode[] = ["validation_failed"];
  if (isLimited) codes.push("invalid_bookmark", "rate_limited");
  if (isReplayable) codes.push("idempotency_key_reused", "request_in_progress");
  if (hasBody)
    codes.push("malformed_json", "unreadable_body", "payload_too_large", "unsupported_media_type");
  const callers = access.kind === "public" ? access.callers : access;
  if (callers) codes.push("conflicting_credentials", "unauthenticated", "forbidden");
  if (callers && "stepUp" in callers) codes.push("insufficient_user_authentication");
  if (needs !== "nothing") codes.push("misconfigured");
  if (needs === "stores") codes.push("service_unavailable");
  return [...codes, ...own, "internal_error"];
}
