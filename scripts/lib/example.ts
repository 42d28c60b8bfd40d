import { type OpenApiDocument, resolve } from "./openapi.ts";

interface Schema {
  $ref?: string;
  example?: unknown;
  default?: unknown;
  const?: unknown;
  enum?: readonly unknown[];
  type?: string | readonly string[];
  format?: string;
  minimum?: number;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  items?: Schema;
  allOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  anyOf?: readonly Schema[];
}

const TEXTS: Readonly<Record<string, string>> = {
  uuid: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11",
  email: "ada@example.com",
  uri: "https://example.com",
  date: "2026-11-20",
  "date-time": "2026-11-20T08:00:00.000Z",
};

/** A value of a schema of the OpenAPI document: its example if it has one. Members that are neither required nor have one are left out. */
export function exampleOf(document: OpenApiDocument, schema: unknown): unknown {
  const resolved = resolve(document, schema as Schema);
  const { example, const: constant, enum: choices, allOf, oneOf, anyOf } = resolved;
  if (example !== undefined) return example;
  if (constant !== undefined) return constant;
  if (choices) return choices[0];
  if (resolved.properties) return exampleOfObject(document, resolved);
  if (allOf) return Object.assign({}, ...allOf.map((part) => exampleOf(document, part)));
  const [first] = oneOf ?? anyOf ?? [];
  return first ? exampleOf(document, first) : exampleOfType(document, resolved);
}

function exampleOfObject(document: OpenApiDocument, schema: Schema): unknown {
  const { properties = {}, required = [] } = schema;
  const shown = Object.entries(properties).filter(
    ([name, member]) => required.includes(name) || resolve(document, member).example !== undefined,
  );
  return Object.fromEntries(shown.map(([name, member]) => [name, exampleOf(document, member)]));
}

function exampleOfType(document: OpenApiDocument, schema: Schema): unknown {
  const [type] = [schema.type].flat();
  switch (type) {
    case "array":
      return schema.items ? [exampleOf(document, schema.items)] : [];
    case "boolean":
      return schema.default ?? true;
    case "integer":
    case "number":
      return schema.default ?? schema.minimum ?? 1;
    case "object":
      return {};
    default:
      return schema.default ?? TEXTS[schema.format ?? ""] ?? "…";
  }
}
