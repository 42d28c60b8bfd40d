import type { z } from "@hono/zod-openapi";
import { FAULT_CODES, type FaultCode } from "../lib/fault-codes.ts";

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

const TYPES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

const FORMATS: Readonly<Record<string, string>> = {
  uuid: "Must be a UUID.",
  datetime: "Must be a time as in RFC 3339, such as 2026-11-20T08:00:00Z.",
};

/** The code of a problem that zod found. */
export function toFaultCode(issue: Issue): FaultCode {
  switch (issue.code) {
    case "custom":
      return isFaultCode(issue.params?.code) ? issue.params.code : "invalid_value";
    case "too_small":
      return issue.origin === "string" ? "too_short" : "too_small";
    case "too_big":
      return issue.origin === "string" ? "too_long" : "too_big";
    case "invalid_type":
    case "invalid_format":
      return issue.code;
    default:
      return "invalid_value";
  }
}

function isFaultCode(code: unknown): code is FaultCode {
  return typeof code === "string" && Object.hasOwn(FAULT_CODES, code);
}

/** The message for a problem that zod found, where its schema has none of its own. */
export function describeIssue(issue: RawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `Must be ${TYPES[issue.expected] ?? "another type"}.`;
    case "invalid_value":
      return `Must be ${joinAlternatives(issue.values)}.`;
    case "invalid_format":
      return FORMATS[issue.format] ?? "Has the wrong format.";
    case "too_small":
      return describeLimit("at least", issue.origin, issue.minimum);
    case "too_big":
      return describeLimit("at most", issue.origin, issue.maximum);
    default:
      return "Is not valid.";
  }
}

function describeLimit(atLimit: string, origin: string, limit: number | bigint): string {
  if (origin === "string") return `Must have ${atLimit} ${count(limit, "character")}.`;
  if (origin === "array") return `Must have ${atLimit} ${count(limit, "element")}.`;
  return `Must be ${atLimit} ${limit}.`;
}

function count(amount: number | bigint, noun: string): string {
  return `${amount} ${noun}${Number(amount) === 1 ? "" : "s"}`;
}

function joinAlternatives(values: readonly unknown[]): string {
  const names = values.map((value) => `\`${String(value)}\``);
  return names.length === 1 ? `${names[0]}` : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
