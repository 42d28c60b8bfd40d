import type { Hook } from "@hono/zod-openapi";
import type { z } from "zod";
import { AppError, type Fault } from "../errors.ts";
import type { AppEnv } from "./app-env.ts";

type Issue = z.core.$ZodIssue;

/** The maximum number of problems in a response. */
const MAX_FAULTS = 100;

/** Throws one `validation_failed` error with an entry per problem that zod found. */
export const onInvalid: Hook<unknown, AppEnv, string, unknown> = (result) => {
  if (result.success) return;
  // The validator passes the input on failure, too, but its type says so only for success.
  const { data } = result as { data?: unknown };
  const faults = result.error.issues.flatMap((issue) => toFaults(issue as Issue, data));
  throw new AppError("validation_failed", { faults: faults.slice(0, MAX_FAULTS) });
};

function toFaults(issue: Issue, data: unknown): Fault[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...issue.path, key].join("."),
      code: "unknown_field",
      message: "Unknown field.",
    }));
  }
  const path = issue.path.map(String).join(".");
  if (isMissing(issue, data)) return [{ path, code: "required", message: "Required." }];
  return [{ path, code: codeOf(issue), message: issue.message }];
}

function isMissing(issue: Issue, data: unknown): boolean {
  if (issue.path.length === 0) return false;
  let value = data;
  for (const key of issue.path) {
    if (typeof value !== "object" || value === null) return false;
    value = Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
  }
  return value === undefined && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

function codeOf(issue: Issue): string {
  switch (issue.code) {
    case "custom":
      return typeof issue.params?.code === "string" ? issue.params.code : "invalid_value";
    case "too_small":
      return issue.origin === "string" ? "too_short" : "too_small";
    case "too_big":
      return issue.origin === "string" ? "too_long" : "too_big";
    default:
      return issue.code;
  }
}
