import type { Resolve } from "./breaking-changes.ts";

/** The parts of a JSON Schema that are compared. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  pattern?: string;
  [keyword: string]: unknown;
}

interface Comparison {
  place: string;
  direction: "request" | "response";
  resolveBase: Resolve;
  resolveHead: Resolve;
  /** The pairs of schemas that are being compared, for schemas that contain themselves. */
  seen?: ReadonlySet<string>;
}

/** Limits, and whether a greater value accepts less. */
const LIMITS: Readonly<Record<string, boolean>> = {
  minLength: true,
  minimum: true,
  exclusiveMinimum: true,
  minItems: true,
  minProperties: true,
  maxLength: false,
  maximum: false,
  exclusiveMaximum: false,
  maxItems: false,
  maxProperties: false,
};

/**
 * What breaks if `before` becomes `after`: in a request, whatever was valid must stay valid; in a response, whatever was there must
 * still be there and have no further types.
 */
export function findSchemaBreaks(before: Schema, after: Schema, comparison: Comparison): string[] {
  const key = `${before.$ref ?? ""} ${after.$ref ?? ""}`;
  const { seen = new Set<string>() } = comparison;
  if (before.$ref && after.$ref && seen.has(key)) return [];
  const inner = { ...comparison, seen: new Set([...seen, key]) };
  const old = merge(before, comparison.resolveBase);
  const now = merge(after, comparison.resolveHead);
  const variants = [variantsOf(old), variantsOf(now)] as const;
  if (variants[0].length > 1 || variants[1].length > 1) return compareVariants(variants, inner);
  return [
    ...compareTypes(old, now, inner),
    ...compareValues(old, now, inner),
    ...compareProperties(old, now, inner),
    ...compareItems(old, now, inner),
    ...(comparison.direction === "request" ? compareLimits(old, now, inner) : []),
  ];
}

/** A schema without references and `allOf` at its top. */
function merge(schema: Schema, resolve: Resolve): Schema {
  const { allOf = [], ...own } = resolve(schema);
  const parts = [...allOf.map((part) => merge(part, resolve)), own];
  return Object.assign({}, ...parts, {
    properties: Object.assign({}, ...parts.map(({ properties }) => properties)),
    required: parts.flatMap(({ required = [] }) => required),
  });
}

function variantsOf(schema: Schema): Schema[] {
  return schema.anyOf ?? schema.oneOf ?? [schema];
}

/** Each variant that a client knows must be accepted by one of a request's; each of a response must be one that it knows. */
function compareVariants(
  [old, now]: readonly [Schema[], Schema[]],
  comparison: Comparison,
): string[] {
  const { direction, place } = comparison;
  const [needed, offered] = direction === "request" ? [old, now] : [now, old];
  const isCovered = (item: Schema) =>
    offered.some((other) => {
      const [before, after] = direction === "request" ? [item, other] : [other, item];
      return findSchemaBreaks(before, after, comparison).length === 0;
    });
  if (needed.every(isCovered)) return [];
  return [
    direction === "request"
      ? `${place}: one of the forms is no longer accepted`
      : `${place}: has a form that it did not have`,
  ];
}

function compareTypes(
  { type: before }: Schema,
  { type: after }: Schema,
  { place, direction }: Comparison,
) {
  if (before === undefined || after === undefined) return [];
  const [old, now] = [[before].flat(), [after].flat()];
  const [needed, offered] = direction === "request" ? [old, now] : [now, old];
  const has = (type: string) =>
    offered.includes(type) || (type === "integer" && offered.includes("number"));
  return needed.every(has)
    ? []
    : [`${place}: the type was ${old.join(" or ")}, and is ${now.join(" or ")}`];
}

function compareValues(before: Schema, after: Schema, { place, direction }: Comparison): string[] {
  const valuesOf = (schema: Schema) => ("const" in schema ? [schema.const] : schema.enum);
  const [old, now] = [valuesOf(before), valuesOf(after)];
  // New values of a response are new facts, which clients must expect.
  if (direction === "response" || now === undefined) return [];
  if (old === undefined) return [`${place}: only some values are accepted`];
  const gone = old.filter((value) => !now.includes(value));
  return gone.map((value) => `${place}: the value ${JSON.stringify(value)} is no longer accepted`);
}

function compareProperties(before: Schema, after: Schema, comparison: Comparison): string[] {
  const { place, direction } = comparison;
  const [old, now] = [before.properties ?? {}, after.properties ?? {}];
  const found: string[] = [];
  for (const [name, schema] of Object.entries(old)) {
    const other = now[name];
    if (!other) found.push(`${place}: the property ${name} is removed`);
    else
      found.push(...findSchemaBreaks(schema, other, { ...comparison, place: `${place}, ${name}` }));
  }
  const [required, stillRequired] = [new Set(before.required), new Set(after.required)];
  if (direction === "request") {
    const added = [...stillRequired].filter((name) => !required.has(name));
    return [...found, ...added.map((name) => `${place}: the property ${name} is newly required`)];
  }
  const optional = [...required].filter((name) => name in now && !stillRequired.has(name));
  return [...found, ...optional.map((name) => `${place}: the property ${name} may be missing`)];
}

function compareItems(before: Schema, after: Schema, comparison: Comparison): string[] {
  const place = `${comparison.place}, each item`;
  if (before.items && after.items) {
    return findSchemaBreaks(before.items, after.items, { ...comparison, place });
  }
  const [old, now] = [before.additionalProperties, after.additionalProperties];
  if (typeof old !== "object" || typeof now !== "object") return [];
  return findSchemaBreaks(old, now, { ...comparison, place });
}

function compareLimits(before: Schema, after: Schema, { place }: Comparison): string[] {
  const found: string[] = [];
  for (const [limit, isLower] of Object.entries(LIMITS)) {
    const [old, now] = [before[limit], after[limit]];
    if (typeof now !== "number" || now === old) continue;
    const isNarrower = typeof old !== "number" || (isLower ? now > old : now < old);
    if (isNarrower) found.push(`${place}: ${limit} is now ${now}`);
  }
  if (after.pattern !== undefined && after.pattern !== before.pattern) {
    found.push(`${place}: the pattern is another`);
  }
  return found;
}
