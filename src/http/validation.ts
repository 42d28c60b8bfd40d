import { type Hook, z } from "@hono/zod-openapi";
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { AppError, type Fault } from "../errors.ts";
import type { FaultCode } from "../lib/fault-codes.ts";
import type { AppEnv, RequestRules } from "./app-env.ts";
import { findKeyFaults } from "./idempotency-key.ts";
import { describeIssue, toFaultCode } from "./issues.ts";

type Issue = z.core.$ZodIssue;

/** The maximum number of problems in a response. */
const MAX_FAULTS = 100;

/** Refuses every query parameter, for paths that are not declared as operations. */
export const refuseQuery: MiddlewareHandler<AppEnv> = async function refuseQuery(c, next) {
  const names = Object.keys(c.req.queries());
  if (names.length > 0) throw invalidRequest(names.map((name) => toUnknownField(name)));
  return next();
};

/**
 * Throws one `validation_failed` error if a part of the request is invalid, with an entry per problem in any part of it: query,
 * path and body, those included that only the service can find.
 */
export const onInvalid: Hook<unknown, AppEnv, string, unknown> = async (result, c) => {
  const { target } = result as { target?: string };
  const isBodyMissing = target === "json" && c.get("isBodyMissing");
  if (result.success && !isBodyMissing) return;
  throw await describeInvalid(c);
};

/** Throws `validation_failed` as `onInvalid` does if the `Idempotency-Key` is malformed, which no schema checks. */
export async function requireValidKey(c: HonoContext<AppEnv>): Promise<void> {
  if (findKeyFaults(c).length > 0) throw await describeInvalid(c);
}

async function describeInvalid(c: HonoContext<AppEnv>): Promise<AppError> {
  const rules = c.get("rules");
  if (!rules) throw new Error("an operation without rules");
  const structural = await findStructuralFaults(c, rules);
  const semantic = await findSemanticFaults(c, rules);
  // A field that a schema refuses is missing for the service.
  const isNew = ({ path }: Fault) => !structural.some((known) => known.path === path);
  return invalidRequest([...structural, ...semantic.filter(isNew)]);
}

function invalidRequest(faults: readonly Fault[]): AppError {
  return new AppError("validation_failed", { faults: faults.slice(0, MAX_FAULTS) });
}

async function findStructuralFaults(
  c: HonoContext<AppEnv>,
  { query, params, body, readOnly, takesIdempotencyKey }: RequestRules,
): Promise<Fault[]> {
  const faults = [
    ...(await findFaults(query, readQuery(c), { describe: describeQueryIssue })),
    ...(params ? await findFaults(params, c.req.param()) : []),
    ...(takesIdempotencyKey ? findKeyFaults(c) : []),
    ...(body && !c.get("isBodyLeftOut")
      ? await findFaults(body, await readJson(c), { readOnly })
      : []),
  ];
  if (faults.length > 0 || !c.get("isBodyMissing")) return faults;
  return [{ path: "", code: "required", message: "Send a JSON object as the body." }];
}

async function findSemanticFaults(
  c: HonoContext<AppEnv>,
  { params, body, check }: RequestRules,
): Promise<readonly Fault[]> {
  if (!check || !body || (params && !params.safeParse(c.req.param()).success)) return [];
  try {
    await check(c, await pickValidFields(body, await readJson(c)));
    return [];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code === "validation_failed") return error.faults ?? [];
    // What a valid request would be told about the state of the resource, such as 404 and 409, comes after 422.
    const precedes = error.status === 401 || error.status === 403 || error.status >= 500;
    if (precedes) throw error;
    return [];
  }
}

/** The fields of an object that are valid by themselves, as the schema normalizes them. */
async function pickValidFields(schema: z.ZodType, value: unknown): Promise<object> {
  if (!(schema instanceof z.ZodObject) || !isObject(value)) return {};
  const fields: [string, unknown][] = [];
  for (const [name, field] of Object.entries(schema.shape)) {
    if (!Object.hasOwn(value, name)) continue;
    const result = await z.safeParseAsync(field, Reflect.get(value, name));
    if (result.success) fields.push([name, result.data]);
  }
  return Object.fromEntries(fields);
}

/** What is wrong with a value, as entries of `errors`. */
export async function findFaults(
  schema: z.ZodType,
  value: unknown,
  {
    readOnly = [],
    describe = describeIssue,
  }: { readOnly?: readonly string[]; describe?: typeof describeIssue } = {},
): Promise<Fault[]> {
  const result = await schema.safeParseAsync(value, { error: describe });
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => toFaults(issue, value, readOnly));
}

// A parameter that is repeated is read as a list of its values.
function describeQueryIssue(issue: z.core.$ZodRawIssue): string {
  return Array.isArray(issue.input) ? "Must be sent only once." : describeIssue(issue);
}

function toFaults(issue: Issue, value: unknown, readOnly: readonly string[]): Fault[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) =>
      toUnknownField([...issue.path, key].join("."), readOnly.includes(key)),
    );
  }
  const path = issue.path.map(String).join(".");
  if (isMissing(issue, value)) return [{ path, code: "required", message: "Required." }];
  return [{ path, code: toFaultCode(issue), message: issue.message }];
}

function toUnknownField(path: string, isReadOnly = false): Fault {
  const code: FaultCode = isReadOnly ? "read_only" : "unknown_field";
  return {
    path,
    code,
    message: isReadOnly ? "Cannot be changed. Leave it out." : "Unknown field.",
  };
}

function isMissing(issue: Issue, value: unknown): boolean {
  if (issue.path.length === 0) return false;
  let at = value;
  for (const key of issue.path) {
    if (!isObject(at)) return false;
    at = Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined;
  }
  return at === undefined && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

// As hono's validator reads it.
function readQuery(c: HonoContext<AppEnv>): Record<string, unknown> {
  const entries = Object.entries(c.req.queries());
  return Object.fromEntries(
    entries.map(([key, values]) => [key, values.length === 1 ? values[0] : values]),
  );
}

async function readJson(c: HonoContext<AppEnv>): Promise<unknown> {
  if (c.get("isBodyLeftOut")) return {};
  try {
    return await c.req.json();
  } catch {
    throw new AppError("malformed_json");
  }
}
