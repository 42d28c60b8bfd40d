import { dereference, type Schema, validate } from "@cfworker/json-schema";
import {
  type DocumentedResponse,
  inlineComponents,
  type OpenApiDocument,
} from "./openapi-document.ts";

/** A response, and the request that it answers. */
export interface Exchange {
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

/** Headers that any response may have: they describe the message, the connection or the policy of browsers, not the operation. */
const GENERAL_HEADERS =
  /^(access-control-.*|cache-control|connection|content-(length|security-policy|type)|cross-origin-.*|date|keep-alive|origin-agent-cluster|referrer-policy|server-timing|strict-transport-security|transfer-encoding|vary|x-(content-type-options|dns-prefetch-control|download-options|frame-options|permitted-cross-domain-policies|xss-protection))$/;

/** How a response compares with the document. */
export interface Compared {
  /** The operation of the document, such as `GET /v1/users/{id}`; undefined for a request that matches none. */
  operation: string | undefined;
  /** What is different. */
  faults: string[];
}

/**
 * Creates a comparison of responses with an OpenAPI document: their status, headers, content type and body, which must not have a
 * member that is not documented.
 */
export function createComparison(served: OpenApiDocument): (exchange: Exchange) => Compared {
  const reference = createReference(served);
  return function compare(exchange) {
    const documented = findOperation(reference, exchange);
    const faults = documented
      ? findFaults(reference, documented, exchange)
      : findFaultsOutside(reference, exchange);
    return { operation: documented?.name, faults };
  };
}

interface NamedOperation {
  name: string;
  responses: Record<string, DocumentedResponse>;
}

function findOperation({ paths }: Reference, exchange: Exchange): NamedOperation | undefined {
  const method = exchange.method === "HEAD" ? "get" : exchange.method.toLowerCase();
  const documented = paths.find(
    ({ pattern, methods }) => pattern.test(exchange.path) && method in methods,
  );
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
  const documented = new Headers(Object.keys(response.headers ?? {}).map((name) => [name, ""]));
  const undocumented = [...headers.keys()].filter(
    (name) => !documented.has(name) && !GENERAL_HEADERS.test(name),
  );
  const missing = Object.entries(document.components.headers).filter(
    ([name, { required }]) => required && documented.has(name) && !headers.has(name),
  );
  return [
    ...undocumented.map((name) => `the header ${name} is not documented`),
    ...missing.map(([name]) => `no ${name} header`),
  ];
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

function createReference(served: OpenApiDocument): Reference {
  const document = inlineComponents(served);
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
