import { dereference, type Schema, validate } from "@cfworker/json-schema";
import { createApp } from "../../src/app.ts";
import { buildOpenApiDocument } from "../../src/operations/openapi.ts";
import {
  type DocumentedResponse,
  inlineComponents,
  type OpenApiDocument,
} from "./openapi-document.ts";

/** A response, and the request that it answers. */
interface Exchange {
  method: string;
  path: string;
  status: number;
  headers: Headers;
  text: string;
}

interface DocumentedPath {
  path: string;
  pattern: RegExp;
  methods: OpenApiDocument["paths"][string];
}

/** The document, prepared for many checks: one set of schemas, which includes the body of every response. */
interface Reference {
  document: OpenApiDocument;
  paths: DocumentedPath[];
  schemas: Record<string, Schema>;
  lookup: Record<string, Schema | boolean>;
}

const PROBLEM = "application/problem+json";

let reference: Reference | undefined;
const violations = new Set<string>();

/** How responses differed from the OpenAPI document since the last call. */
export function takeViolations(): string[] {
  const found = [...violations];
  violations.clear();
  return found;
}

/**
 * Compares a response with the OpenAPI document: its status, headers, content type and body, which must not have a member that is
 * not documented. `takeViolations` returns the differences.
 */
export function checkDocumented(exchange: Exchange): void {
  reference ??= createReference();
  const { method, path, status } = exchange;
  const documented = findOperation(reference, exchange);
  const where = `${documented?.name ?? `${method} ${path}`} ${status}`;
  const faults = documented
    ? findFaults(reference, documented, exchange)
    : findFaultsOutside(reference, exchange);
  for (const fault of faults) violations.add(`${where}: ${fault}`);
}

interface NamedOperation {
  name: string;
  responses: Record<string, DocumentedResponse>;
}

function findOperation({ paths }: Reference, exchange: Exchange): NamedOperation | undefined {
  const method = exchange.method === "HEAD" ? "get" : exchange.method.toLowerCase();
  const documented = paths.find(({ pattern }) => pattern.test(exchange.path));
  const operation = documented?.methods[method];
  if (!documented || !operation) return undefined;
  return { name: `${method.toUpperCase()} ${documented.path}`, responses: operation.responses };
}

function findFaults(known: Reference, { name, responses }: NamedOperation, exchange: Exchange) {
  const response = responses[exchange.status];
  if (!response) return ["the status is not documented"];
  const schemaName = `${name} ${exchange.status}`;
  return [
    ...findHeaderFaults(known, response, exchange),
    ...findBodyFaults(known, schemaName, response, exchange),
  ];
}

// Requests that match no operation get a problem, or a page of the documentation.
function findFaultsOutside(known: Reference, { method, status, headers, text }: Exchange) {
  if (headers.get("Content-Type") !== PROBLEM || method === "HEAD") return [];
  const faults = findSchemaFaults(known, "Problem", JSON.parse(text));
  return status === 405 && !headers.has("Allow") ? [...faults, "no Allow header"] : faults;
}

function findHeaderFaults(
  { document }: Reference,
  response: DocumentedResponse,
  { headers }: Exchange,
): string[] {
  const documented = response.headers ?? {};
  return Object.entries(document.components.headers).flatMap(([name, { required }]) => {
    if (!(name in documented)) return headers.has(name) ? [`${name} is not documented`] : [];
    return required && !headers.has(name) ? [`no ${name} header`] : [];
  });
}

function findBodyFaults(
  known: Reference,
  name: string,
  { content = {} }: DocumentedResponse,
  { method, headers, text }: Exchange,
): string[] {
  if (method === "HEAD") return [];
  const [type = ""] = (headers.get("Content-Type") ?? "").split(";");
  const types = Object.keys(content);
  if (types.length === 0) return text === "" ? [] : ["a body is not documented"];
  if (!types.includes(type)) return [`the content type ${type} is not documented`];
  const schemaName = `${name} ${type}`;
  if (type === "application/x-ndjson") {
    const lines = text.split("\n").filter((line) => line !== "");
    return lines.flatMap((line) => findSchemaFaults(known, schemaName, JSON.parse(line)));
  }
  return type.endsWith("json") ? findSchemaFaults(known, schemaName, JSON.parse(text)) : [];
}

function findSchemaFaults({ schemas, lookup }: Reference, name: string, body: unknown): string[] {
  const schema = schemas[name];
  if (!schema) throw new Error(`no schema of ${name}`);
  const { valid, errors } = validate(body, schema, "2020-12", lookup);
  if (valid) return [];
  // The others follow from the one that is deepest in the schema.
  const [cause] = errors.toSorted((a, b) => b.keywordLocation.length - a.keywordLocation.length);
  return [`${cause?.instanceLocation} ${cause?.error} (${cause?.keywordLocation})`];
}

function createReference(): Reference {
  const served = JSON.parse(JSON.stringify(buildOpenApiDocument(createApp())));
  const document = inlineComponents(served as OpenApiDocument);
  // Schemas of `components` can be parts of others. What refers to them is strict.
  const shared = Object.entries(document.components.schemas).map(([name, schema]) => [
    name,
    toStrictSchema(schema, true),
  ]);
  const bodies = listBodies(document).map(([name, schema]) => [name, toStrictSchema(schema)]);
  const schemas: Record<string, Schema> = Object.fromEntries([...shared, ...bodies]);
  const paths = Object.entries(document.paths).map(([path, methods]) => {
    const pattern = new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`);
    return { path, pattern, methods };
  });
  return { document, paths, schemas, lookup: dereference({ $defs: schemas }) };
}

/** The schemas of all response bodies, by operation, status and content type. */
function listBodies({ paths }: OpenApiDocument): [string, unknown][] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { responses }]) =>
      Object.entries(responses).flatMap(([status, { content = {} }]) =>
        Object.entries(content).map(([type, body]): [string, unknown] => {
          return [`${method.toUpperCase()} ${path} ${status} ${type}`, body.schema ?? {}];
        }),
      ),
    ),
  );
}

/** The schema without examples, as JSON Schema that refuses members that are not documented unless it is a part of another. */
function toStrictSchema(schema: unknown, isPart = false): unknown {
  if (Array.isArray(schema)) return schema.map((entry) => toStrictSchema(entry, isPart));
  if (typeof schema !== "object" || schema === null) return schema;
  const { example: _, $ref, ...rest } = schema as Record<string, unknown>;
  const entries = Object.entries(rest).map(([key, value]) => [
    key,
    toStrictSchema(value, key === "allOf"),
  ]);
  const isReference = typeof $ref === "string";
  const isObject = isReference || (rest.type === "object" && "properties" in rest);
  return {
    ...Object.fromEntries(entries),
    ...(isReference && { $ref: $ref.replace("#/components/schemas/", "#/$defs/") }),
    ...(isObject && !isPart && { unevaluatedProperties: false }),
  };
}
