import type { ApiDocument, Schema } from "./document.ts";

/** A type in a few words, such as `text, 1 to 50 characters` or a link to a schema. */
export function describeType(schema: Schema): string {
  if (schema.$ref) return linkSchema(schema.$ref);
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return schema.enum.map(code).join(", ");
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map(describeType).join(" or ");
  if (schema.allOf) return schema.allOf.map(describeType).filter(Boolean).join(", ");
  const types = [schema.type ?? []].flat();
  return [types.map((type) => describeSimple(type, schema)).join(" or "), describeLimits(schema)]
    .filter(Boolean)
    .join(", ");
}

function describeSimple(type: string, { items, format }: Schema): string {
  if (type === "array") return items ? `list of ${describeType(items)}` : "list";
  return type === "string" && format ? `string (${format})` : type;
}

function describeLimits(schema: Schema): string {
  return [
    range(schema.minLength, schema.maxLength, "characters"),
    range(schema.minimum, schema.maximum),
    range(schema.minItems, schema.maxItems, "elements"),
  ]
    .filter(Boolean)
    .join(", ");
}

function range(least: number | undefined, most: number | undefined, unit = ""): string {
  // Every integer of JSON has these bounds.
  const min = least === undefined || least <= Number.MIN_SAFE_INTEGER ? undefined : least;
  const max = most === undefined || most >= Number.MAX_SAFE_INTEGER ? undefined : most;
  if (min === undefined && max === undefined) return "";
  const [shownMin, shownMax] = [min, max].map((limit) => limit?.toLocaleString("en"));
  if (max === undefined) return `at least ${shownMin} ${unit}`.trim();
  if (min === undefined) return `at most ${shownMax} ${unit}`.trim();
  return `${shownMin} to ${shownMax} ${unit}`.trim();
}

function linkSchema(reference: string): string {
  const name = reference.split("/").at(-1) ?? "";
  return `[${name}](#${name.toLowerCase()})`;
}

function code(value: unknown): string {
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

/** The fields of an object, those of its parts included. */
export function listFields(document: ApiDocument, schema: Schema): FieldList {
  if (schema.$ref) return listFields(document, schemaOf(document, schema.$ref));
  const parts = (schema.allOf ?? []).map((part) => listFields(document, part));
  return {
    properties: Object.assign({}, ...parts.map((part) => part.properties), schema.properties),
    required: [...parts.flatMap((part) => part.required), ...(schema.required ?? [])],
  };
}

interface FieldList {
  properties: Record<string, Schema>;
  required: string[];
}

function schemaOf({ components }: ApiDocument, reference: string): Schema {
  return components.schemas[reference.split("/").at(-1) ?? ""] ?? {};
}

/** The schemas that the given ones consist of, themselves included, sorted by name. */
export function listSchemas(document: ApiDocument, from: readonly unknown[]): [string, Schema][] {
  const found = new Map<string, Schema>();
  const visit = (value: unknown): void => {
    for (const [, name = ""] of JSON.stringify(value).matchAll(
      /"#\/components\/schemas\/(\w+)"/g,
    )) {
      const schema = document.components.schemas[name];
      if (!schema || found.has(name)) continue;
      found.set(name, schema);
      visit(schema);
    }
  };
  visit(from);
  return [...found].sort(([a], [b]) => a.localeCompare(b, "en"));
}
