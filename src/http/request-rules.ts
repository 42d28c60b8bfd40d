import { type RouteConfig, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { AppEnv, RequestRules } from "./app-env.ts";
import { IdempotencyKey } from "./idempotency-key.ts";

/** What a route accepts without query parameters. */
export const NO_QUERY = z.strictObject({});

/** Stores what a request must look like, for the validation of all its parts at once. */
export function setRules(route: object, check: RequestRules["check"]): MiddlewareHandler<AppEnv> {
  const rules = { ...readRules(route as RouteConfig), check };
  return async function setRules(c, next) {
    c.set("rules", rules);
    return next();
  };
}

function readRules(route: RouteConfig): RequestRules {
  const { method, request, responses } = route;
  const body = schemaOf(request?.body);
  return {
    query: isSchema(request?.query) ? request.query : NO_QUERY,
    params: isSchema(request?.params) ? request.params : undefined,
    body,
    takesIdempotencyKey: takesIdempotencyKey(route),
    readOnly: method === "patch" ? fieldsOf(schemaOf(responses[200])) : [],
  };
}

/** Whether a route declares `IdempotencyKey`. */
export function takesIdempotencyKey(route: object): boolean {
  const { parameters = [] } = route as RouteConfig;
  return parameters.some((parameter) => parameter === IdempotencyKey);
}

function fieldsOf(schema: z.ZodType | undefined): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function schemaOf(part: unknown): z.ZodType | undefined {
  const { content } = (part ?? {}) as { content?: Record<string, { schema?: unknown }> };
  const schema = content?.["application/json"]?.schema;
  return isSchema(schema) ? schema : undefined;
}

function isSchema(value: unknown): value is z.ZodType {
  return value instanceof z.ZodType;
}
