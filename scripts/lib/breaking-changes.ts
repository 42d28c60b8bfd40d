import { findSchemaBreaks, type Schema } from "./breaking-schemas.ts";

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

interface Content {
  content?: Record<string, { schema?: Schema }>;
  $ref?: string;
}

interface Parameter {
  $ref?: string;
  name: string;
  in: string;
  required?: boolean;
  schema?: Schema;
}

interface Operation {
  parameters?: Parameter[];
  requestBody?: Content & { required?: boolean };
  responses: Record<string, Content & { headers?: Record<string, unknown> }>;
  security?: Record<string, string[]>[];
}

/** The parts of an OpenAPI 3.1 document that are compared. */
export interface ApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components?: Record<string, Record<string, unknown>>;
}

/** Follows the references of a document. */
export type Resolve = <T extends object>(value: T) => T;

interface Pair {
  /** Where a change is, for its message. */
  place: string;
  resolveBase: Resolve;
  resolveHead: Resolve;
}

/**
 * What a client of `base` can no longer rely on in `head`, one line each: operations, parameters, properties, statuses and content
 * types that are gone, values that are no longer accepted, and what requests newly need. New operations, optional properties of
 * requests, properties of responses, and error codes break nothing.
 */
export function findBreakingChanges(base: ApiDocument, head: ApiDocument): string[] {
  const resolveBase = createResolver(base);
  const resolveHead = createResolver(head);
  const found: string[] = [];
  for (const [path, operations] of Object.entries(base.paths)) {
    for (const method of METHODS.filter((name) => name in operations)) {
      const place = `${method.toUpperCase()} ${path}`;
      const [before, after] = [operations[method], head.paths[path]?.[method]];
      if (!before) continue;
      if (!after) found.push(`${place}: the operation is removed`);
      else found.push(...compareOperations(before, after, { place, resolveBase, resolveHead }));
    }
  }
  return found;
}

/** Follows `$ref` within a document. Throws if it leads nowhere. */
function createResolver(document: ApiDocument): Resolve {
  return function resolve<T extends object>(value: T): T {
    if (!("$ref" in value) || typeof value.$ref !== "string") return value;
    const keys = value.$ref.replace(/^#\//, "").split("/");
    const names = keys.map((key) =>
      decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~"),
    );
    let target: unknown = document;
    for (const name of names) target = (target as Record<string, unknown> | undefined)?.[name];
    if (typeof target !== "object" || target === null)
      throw new Error(`${value.$ref} leads nowhere`);
    return resolve(target as T);
  };
}

function compareOperations(before: Operation, after: Operation, pair: Pair): string[] {
  return [
    ...compareParameters(before, after, pair),
    ...compareBodies(before, after, pair),
    ...compareResponses(before, after, pair),
    ...compareSecurity(before, after, pair),
  ];
}

function compareParameters(before: Operation, after: Operation, pair: Pair): string[] {
  const keyOf = ({ name, in: place }: Parameter) => `the ${place} parameter ${name}`;
  const old = new Map(
    (before.parameters ?? []).map(pair.resolveBase).map((item) => [keyOf(item), item]),
  );
  const now = new Map(
    (after.parameters ?? []).map(pair.resolveHead).map((item) => [keyOf(item), item]),
  );
  const found: string[] = [];
  for (const [key, parameter] of now) {
    const isNew = parameter.required === true && old.get(key)?.required !== true;
    if (isNew) found.push(`${pair.place}: ${key} is newly required`);
  }
  for (const [key, { schema }] of old) {
    const other = now.get(key);
    if (!other) found.push(`${pair.place}: ${key} is removed`);
    const place = `${pair.place}: ${key}`;
    if (schema && other?.schema) {
      found.push(
        ...findSchemaBreaks(schema, other.schema, { ...pair, place, direction: "request" }),
      );
    }
  }
  return found;
}

function compareBodies(before: Operation, after: Operation, pair: Pair): string[] {
  const now = after.requestBody && pair.resolveHead(after.requestBody);
  const old = before.requestBody && pair.resolveBase(before.requestBody);
  const place = `${pair.place}: the request`;
  if (!old) return now?.required ? [`${place} newly needs a body`] : [];
  if (!now) return [`${place} may no longer have a body`];
  const needs = now.required && !old.required ? [`${place} newly needs a body`] : [];
  return [...needs, ...compareContent(old, now, { ...pair, place }, "request")];
}

function compareResponses(before: Operation, after: Operation, pair: Pair): string[] {
  return Object.entries(before.responses).flatMap(([status, response]) => {
    const place = `${pair.place}: the response ${status}`;
    const other = after.responses[status];
    if (!other) return [`${place} is removed`];
    const [old, now] = [pair.resolveBase(response), pair.resolveHead(other)];
    const headers = Object.keys(old.headers ?? {}).filter((name) => !(name in (now.headers ?? {})));
    const lost = headers.map((name) => `${place} no longer has the header ${name}`);
    // The members of problem documents are the same for all errors, and new codes break nothing.
    if (Number(status) >= 400) return lost;
    return [...lost, ...compareContent(old, now, { ...pair, place }, "response")];
  });
}

function compareContent(
  before: Content,
  after: Content,
  pair: Pair,
  direction: "request" | "response",
): string[] {
  return Object.entries(before.content ?? {}).flatMap(([type, { schema }]) => {
    const other = after.content?.[type];
    if (!other) return [`${pair.place} no longer has the content type ${type}`];
    if (!schema || !other.schema) return [];
    return findSchemaBreaks(schema, other.schema, { ...pair, direction });
  });
}

function compareSecurity(before: Operation, after: Operation, { place }: Pair): string[] {
  const namesOf = ({ security = [{}] }: Operation) =>
    (security.length > 0 ? security : [{}]).map((item) => Object.keys(item).sort().join(" and "));
  const now = namesOf(after);
  const gone = namesOf(before).filter((name) => !now.includes(name) && !now.includes(""));
  return gone.map((name) => `${place}: ${name || "no credential"} no longer suffices`);
}
