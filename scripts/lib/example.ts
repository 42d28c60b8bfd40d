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
export function exampleOf(schema: unknown, schemas: Record<string, unknown>): unknown {
  const resolved = resolve(schema as Schema, schemas);
  const { example, const: constant, enum: choices, allOf, oneOf, anyOf } = resolved;
  if (example !== undefined) return example;
  if (constant !== undefined) return constant;
  if (choices) return choices[0];
  if (resolved.properties) return exampleOfObject(resolved, schemas);
  if (allOf) return Object.assign({}, ...allOf.map((part) => exampleOf(part, schemas)));
  const [first] = oneOf ?? anyOf ?? [];
  return first ? exampleOf(first, schemas) : exampleOfType(resolved, schemas);
}

function resolve(schema: Schema, schemas: Record<string, unknown>): Schema {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? schema : resolve(schemas[name] as Schema, schemas);
}

function exampleOfObject(schema: Schema, schemas: Record<string, unknown>): unknown {
  const { properties = {}, required = [] } = schema;
  const shown = Object.entries(properties).filter(
    ([name, member]) => required.includes(name) || resolve(member, schemas).example !== undefined,
  );
  return Object.fromEntries(shown.map(([name, member]) => [name, exampleOf(member, schemas)]));
}

function exampleOfType(schema: Schema, schemas: Record<string, unknown>): unknown {
  const [type] = [schema.type].flat();
  switch (type) {
    case "array":
      return schema.items ? [exampleOf(schema.items, schemas)] : [];
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
