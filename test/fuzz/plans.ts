import fc from "fast-check";
import type { DocumentedOperation, OpenApiDocument } from "../support/openapi-document.ts";
import { findField, PATH_VALUES } from "./fields.ts";
import {
  CONTENT_TYPES,
  HOSTILE_HEADERS,
  HOSTILE_QUERIES,
  HOSTILE_TEXTS,
  hostileText,
  ODD_METHODS,
  PATH_CHANGES,
  PROTECTED_MEMBERS,
  RAW_BODIES,
} from "./hostile.ts";
import {
  type FullSchema,
  faultyValues,
  type Leaf,
  listLeaves,
  type Ref,
  refTo,
  type Schemas,
  validValues,
} from "./values.ts";

/** An operation of the document, as the fuzzer calls it. */
export interface Target {
  id: string;
  /** Such as `GET /v1/users/{id}`. */
  name: string;
  method: string;
  path: string;
  documented: DocumentedOperation;
}

/** A change of a valid request. */
export type Edit =
  | { type: "set"; path: string[]; value: unknown }
  | { type: "delete"; path: string[] }
  | { type: "extra"; key: string; value: unknown }
  | { type: "query"; name: string; value: unknown }
  | { type: "param"; name: string; value: unknown }
  | { type: "header"; name: string; value: unknown }
  | { type: "method"; value: string }
  | { type: "path"; change: string }
  | { type: "rawQuery"; value: string }
  | { type: "rawBody"; value: string | Buffer; contentType: string }
  | { type: "contentType"; value: string };

/** A request before it is sent. It may refer to what earlier responses contained. */
export interface Plan {
  params: Record<string, string | Ref>;
  query: Record<string, unknown>;
  headers: Record<string, unknown>;
  body: unknown;
  contentType: string | undefined;
  edits: Edit[];
}

const FORM = "application/x-www-form-urlencoded";
const NDJSON = "application/x-ndjson";
/** How many of three requests are valid, about which the rest differs from a valid one. */
const SHARES = { valid: 5, near: 4, hostile: 2 };
const MAX_QUERY = 2;

/** Requests to an operation: valid ones, ones with one fault, and hostile ones. */
export function planRequests(document: OpenApiDocument, target: Target): fc.Arbitrary<Plan> {
  const schemas = document.components.schemas as Schemas;
  const valid = validPlans(schemas, target);
  const near = nearEdits(schemas, target);
  const hostile = hostileEdits(target);
  const withEdits = (edits: fc.Arbitrary<Edit[]>) =>
    fc.tuple(valid, edits).map(([plan, found]) => ({ ...plan, edits: found }));
  return fc.oneof(
    { weight: SHARES.valid, arbitrary: valid },
    { weight: SHARES.near, arbitrary: withEdits(near.map((edit) => [edit])) },
    {
      weight: SHARES.hostile,
      arbitrary: withEdits(fc.array(hostile, { minLength: 1, maxLength: 2 })),
    },
  );
}

function validPlans(schemas: Schemas, { id, path, documented }: Target): fc.Arbitrary<Plan> {
  const { parameters = [], requestBody } = documented;
  const lookup = (field: string) => findField(id, field);
  const valuesOf = (name: string, schema: FullSchema) =>
    lookup(name) ?? validValues(schemas, schema, lookup);
  const list = (place: string) => parameters.filter((parameter) => parameter.in === place);
  const params = list("path").map(({ name }) => [name, pathValue(path, name)] as const);
  const query = list("query").map(({ name, schema }) => [name, valuesOf(name, schema)] as const);
  const headers = list("header").map(({ name }) => [name, headerValue(name)] as const);
  return fc.record({
    params: fc.record(Object.fromEntries(params)),
    query: fc
      .subarray(query, { maxLength: Math.min(MAX_QUERY, query.length) })
      .chain((chosen) => fc.record(Object.fromEntries(chosen))),
    headers: fc.record(Object.fromEntries(headers)),
    body: bodies(schemas, id, requestBody),
    contentType: fc.constantFrom(...contentTypes(requestBody)),
    edits: fc.constant([]),
  });
}

function pathValue(path: string, name: string): fc.Arbitrary<string | Ref> {
  const [, collection = ""] = new RegExp(`([\\w-]+)/\\{${name}\\}`).exec(path) ?? [];
  const values = PATH_VALUES[collection];
  if (!values)
    throw new Error(`no values for {${name}} in ${path}: add them to test/fuzz/fields.ts`);
  return values;
}

function headerValue(name: string): fc.Arbitrary<unknown> {
  const absent = { weight: 4, arbitrary: fc.constant(undefined) };
  if (name === "Idempotency-Key") {
    const keys = fc.constantFrom('"a-key-of-fuzz"', "another-key-of-fuzz");
    return fc.oneof(absent, { weight: 1, arbitrary: keys }, { weight: 2, arbitrary: fc.uuid() });
  }
  if (name.startsWith("If-")) return fc.oneof(absent, refTo("etag"), fc.constant("*"));
  return fc.oneof(
    absent,
    fc.constant("00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683"),
  );
}

type RequestBody = DocumentedOperation["requestBody"];

function bodies(schemas: Schemas, id: string, body: RequestBody): fc.Arbitrary<unknown> {
  const schema = body?.content["application/json"]?.schema;
  if (!schema) return fc.constant(undefined);
  return validValues(schemas, schema, (field) => findField(id, field));
}

// A JSON body is sent as such, or in the other form that the operation takes.
function contentTypes(body: RequestBody): (string | undefined)[] {
  const types = Object.keys(body?.content ?? {});
  return types.length === 0 ? [undefined] : types;
}

function nearEdits(schemas: Schemas, target: Target): fc.Arbitrary<Edit> {
  const { documented, path } = target;
  const schema = documented.requestBody?.content["application/json"]?.schema;
  const leaves = schema ? listLeaves(schemas, schema) : [];
  const query = (documented.parameters ?? []).filter((parameter) => parameter.in === "query");
  const params = path.match(/(?<=\{)\w+(?=\})/g) ?? [];
  const edits: fc.Arbitrary<Edit>[] = [
    extras("query").map(([name, value]) => ({ type: "query", name, value })),
    ...query.map(({ name, schema: one }) =>
      faultyValues(one).map((value): Edit => ({ type: "query", name, value })),
    ),
    ...params.map((name) =>
      fc
        .oneof(refTo("foreign"), fc.uuid(), hostileText)
        .map((value): Edit => ({ type: "param", name, value })),
    ),
  ];
  if (leaves.length > 0) {
    edits.push(leafEdits(leaves), leafEdits(leaves), leafEdits(leaves));
    edits.push(extras("body").map(([key, value]) => ({ type: "extra", key, value })));
  }
  return fc.oneof(...edits);
}

function leafEdits(leaves: readonly Leaf[]): fc.Arbitrary<Edit> {
  return fc.constantFrom(...leaves).chain(({ path, schema }) =>
    fc.oneof(
      { weight: 1, arbitrary: fc.constant<Edit>({ type: "delete", path }) },
      {
        weight: 5,
        arbitrary: faultyValues(schema).map((value): Edit => ({ type: "set", path, value })),
      },
    ),
  );
}

function extras(_: "query" | "body"): fc.Arbitrary<[string, unknown]> {
  const value = fc.oneof(
    fc.constantFrom<unknown>("admin", true, null, 0),
    fc.jsonValue({ maxDepth: 2 }),
  );
  return fc.tuple(fc.constantFrom(...PROTECTED_MEMBERS, ...HOSTILE_TEXTS), value);
}

function hostileEdits({ method }: Target): fc.Arbitrary<Edit> {
  const headers = fc.constantFrom(...HOSTILE_HEADERS);
  const tokens = fc.constantFrom(
    "refresh",
    "mail-token",
    "login",
    "mfa",
    "access",
    "key",
    "exchange",
  );
  const edits: fc.Arbitrary<Edit>[] = [
    headers.map(([name, value]) => ({ type: "header", name, value })),
    tokens.chain(refTo).map((value) => ({ type: "header", name: "Authorization", value })),
    fc.constantFrom(...ODD_METHODS).map((value) => ({ type: "method", value })),
    fc.constantFrom(...Object.keys(PATH_CHANGES)).map((change) => ({ type: "path", change })),
    fc.constantFrom(...HOSTILE_QUERIES).map((value) => ({ type: "rawQuery", value })),
    fc.constantFrom(...CONTENT_TYPES).map((value) => ({ type: "contentType", value })),
  ];
  const raw = fc
    .tuple(fc.constantFrom(...RAW_BODIES), fc.constantFrom("application/json", NDJSON, FORM))
    .map(([value, contentType]): Edit => ({ type: "rawBody", value, contentType }));
  if (method !== "GET") edits.push(raw, raw);
  return fc.oneof(...edits);
}
