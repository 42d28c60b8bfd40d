import fc from "fast-check";
import type { Schema } from "../support/openapi-document.ts";
import { HOSTILE_TEXTS } from "./hostile.ts";

/** JSON Schema keywords that the generators use besides those of `Schema`. */
export interface FullSchema extends Schema {
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  readOnly?: boolean;
}

export type Schemas = Readonly<Record<string, FullSchema>>;

/** A value that is only known when the request is sent: the newest, or an older, value of a pool. */
export class Ref {
  readonly pool: string;
  readonly index: number;
  constructor(pool: string, index: number) {
    this.pool = pool;
    this.index = index;
  }
  toString(): string {
    return `<${this.pool} ${this.index}>`;
  }
}

/** The pools of WebAuthn credentials, whose values are JSON. */
const CREDENTIALS = /-credential$/;

/** The value that a text of a pool stands for. */
export function fromPool({ pool }: Ref, text: string): unknown {
  return CREDENTIALS.test(pool) ? JSON.parse(text) : text;
}

/** A reference to a pool, mostly to its newest value. */
export function refTo(pool: string): fc.Arbitrary<Ref> {
  const index = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(20));
  return index.map((i) => new Ref(pool, i));
}

const MAX_ITEMS = 3;
const LONGEST = 3000;
const DECADE_MS = 315_360_000_000;

const letters = fc.string({
  unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz0123456789"),
  minLength: 8,
  maxLength: 14,
});
const time = fc
  .integer({ min: -DECADE_MS, max: DECADE_MS })
  .map((offset) => new Date(Date.now() + offset).toISOString());
const day = fc.nat(365).map((ago) => new Date(Date.now() - ago * 86_400_000).toISOString());
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });

/** By name of a component: values that the service accepts, which the schema alone does not give. */
const NAMED: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  Username: letters.map((name) => `fz-${name}`),
  EmailAddress: letters.map((name) => `fz-${name}@example.com`),
  NewPassword: fc.constantFrom("a fine secret for fuzz", "Ein anderes Geheimnis 7"),
  PersonName: fc.oneof(fc.constant(null), fc.constant(""), letters),
  RoleName: refTo("roles"),
  ApiKeyName: letters,
};

const FORMATS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  uuid: fc.uuid({ version: 7 }),
  "date-time": time,
  date: day.map((iso) => iso.slice(0, 10)),
  uri: letters.map((name) => `https://images.example/${name}.png`),
};

/** Finds values for a field by the operation and the name of the field; undefined if the schema says enough. */
export type Lookup = (field: string) => fc.Arbitrary<unknown> | undefined;

/** Values that a schema accepts. Fields that `lookup` knows are taken from there. */
export function validValues(schemas: Schemas, schema: FullSchema, lookup: Lookup) {
  const of = (one: FullSchema, field: string): fc.Arbitrary<unknown> => {
    const known = lookup(field);
    if (known) return known;
    const name = nameOf(one);
    if (name) return NAMED[name] ?? of(schemas[name] ?? {}, field);
    const single = resolve(schemas, one);
    if (single !== one) return NAMED[namedPart(one) ?? ""] ?? of(single, field);
    return ofSchema(one, field);
  };
  const ofSchema = (one: FullSchema, field: string): fc.Arbitrary<unknown> => {
    if (one.const !== undefined) return fc.constant(one.const);
    if (one.enum) return fc.constantFrom(...one.enum);
    if (one.properties) return objects(one);
    const variants = one.oneOf ?? one.anyOf;
    if (variants) return fc.oneof(...variants.map((variant) => of(variant, field)));
    const types = [one.type ?? "string"].flat();
    return fc.oneof(...types.map((type) => ofType(type, one, field)));
  };
  const ofType = (type: string, one: FullSchema, field: string): fc.Arbitrary<unknown> => {
    if (type === "null") return fc.constant(null);
    if (type === "boolean") return fc.boolean();
    if (type === "integer" || type === "number") return numbers(one);
    if (type === "object") return fc.dictionary(letters, fc.jsonValue({ maxDepth: 2 }));
    if (type === "string") return strings(one);
    const { minItems = 0, maxItems = MAX_ITEMS } = one;
    const items = of(one.items ?? {}, `${field}[]`);
    const bounds = { minLength: minItems, maxLength: Math.min(maxItems, minItems + MAX_ITEMS) };
    return fc.array(items, bounds);
  };
  // What `oneOf` requires is added to what the object requires.
  const objects = (one: FullSchema): fc.Arbitrary<unknown> => {
    const variants = one.oneOf ?? one.anyOf ?? [{}];
    return fc.oneof(
      ...variants.map((variant) => {
        const others = variants.flatMap((v) => v.required ?? []);
        const required = [...(one.required ?? []), ...(variant.required ?? [])];
        const fields = Object.entries(one.properties ?? {})
          .filter(([, { readOnly }]: [string, FullSchema]) => !readOnly)
          .filter(([name]) => required.includes(name) || !others.includes(name))
          .map(([name, property]) => [name, of(property, name)] as const);
        return fc.record(Object.fromEntries(fields), { requiredKeys: required });
      }),
    );
  };
  return of(schema, "");
}

function numbers({ minimum = -1000, maximum = 1000 }: FullSchema): fc.Arbitrary<number> {
  return fc.integer({ min: minimum, max: maximum });
}

function strings(one: FullSchema): fc.Arbitrary<unknown> {
  const formatted = FORMATS[one.format ?? ""];
  if (formatted) return formatted;
  const example = one.example ?? one.examples?.[0];
  if (one.pattern || one.format) {
    return example === undefined ? letters : fc.constant(example);
  }
  const { minLength = 0, maxLength = LONGEST } = one;
  const free = text.map((value) => clamp(value, minLength, maxLength));
  return example === undefined ? free : fc.oneof(fc.constant(example), free);
}

function clamp(value: string, minLength: number, maxLength: number): string {
  return value.padEnd(minLength, "x").slice(0, maxLength);
}

/** The schema that a reference, or a reference with a description beside it, means. */
function resolve(schemas: Schemas, schema: FullSchema): FullSchema {
  const name = nameOf(schema);
  if (name) return resolve(schemas, schemas[name] ?? {});
  if (!schema.allOf) return schema;
  return Object.assign({}, ...schema.allOf.map((part) => resolve(schemas, part)));
}

const nameOf = ({ $ref }: FullSchema) => $ref?.split("/").at(-1);
const namedPart = ({ allOf = [] }: FullSchema) => allOf.map(nameOf).find(Boolean);

/** A part of a body: where it is, and its schema. */
export interface Leaf {
  path: string[];
  schema: FullSchema;
}

/** All parts of a body that a schema describes, those of each variant included. */
export function listLeaves(schemas: Schemas, schema: FullSchema, path: string[] = []): Leaf[] {
  const one = resolve(schemas, schema);
  const variants = [...(one.oneOf ?? []), ...(one.anyOf ?? [])];
  const properties = Object.entries(one.properties ?? {});
  return [
    ...(path.length > 0 ? [{ path, schema: one }] : []),
    ...variants.filter(({ enum: e }) => !e).flatMap((part) => listLeaves(schemas, part, path)),
    ...properties.flatMap(([name, part]) => listLeaves(schemas, part, [...path, name])),
    ...(one.items && path.length < 4 ? listLeaves(schemas, one.items, [...path, "0"]) : []),
  ];
}

const WRONG_TYPES = [null, true, 0, -1, 1.5, 1e308, "", "x", [], {}, [[]], [null], { a: {} }];

/** Values at and beyond the limits of a schema, of other types, and hostile ones. */
export function faultyValues(schema: FullSchema): fc.Arbitrary<unknown> {
  const { minLength, maxLength, minimum, maximum, maxItems } = schema;
  const lengths = [minLength, maxLength].flatMap((n) => (n === undefined ? [] : [n - 1, n, n + 1]));
  const limits = [minimum, maximum].flatMap((n) => (n === undefined ? [] : [n - 1, n, n + 1]));
  const strings = lengths.filter((n) => n >= 0).map((n) => "ä".repeat(n));
  const arrays = maxItems === undefined ? [] : [Array.from({ length: maxItems + 1 }, () => "x")];
  return fc.oneof(
    fc.constantFrom(...WRONG_TYPES),
    fc.constantFrom(...strings, ...limits, ...arrays, ...WRONG_TYPES),
    fc.constantFrom(...HOSTILE_TEXTS),
    fc.jsonValue({ maxDepth: 3 }),
    refTo("foreign"),
  );
}
