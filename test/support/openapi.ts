import { type AccessRule, readAccessRule } from "../../scripts/lib/access-matrix.ts";
import { send } from "./api.ts";
import {
  type DocumentedOperation,
  inlineComponents,
  type OpenApiDocument,
  type Schema,
} from "./openapi-document.ts";

export type { OpenApiDocument, Schema } from "./openapi-document.ts";

/** An operation of the document, with its access rule. */
export interface Operation {
  name: string;
  method: string;
  path: string;
  documented: DocumentedOperation;
  access: AccessRule;
}

/** The document as the worker serves it, with its shared responses at every operation. */
export async function fetchDocument(): Promise<OpenApiDocument> {
  return inlineComponents((await send<OpenApiDocument>("/openapi.json")).body);
}

/** Every operation of a document. Throws if one declares no access rule. */
export function operationsOf(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, documented]) => {
      const name = `${method.toUpperCase()} ${path}`;
      const access = readAccessRule(name, documented);
      return { name, method: method.toUpperCase(), path, documented, access };
    }),
  );
}

/** The codes that an operation documents for a status. */
export function documentedCodes({ documented }: Operation, status: number): string[] {
  const content = documented.responses[status]?.content ?? {};
  return Object.keys(content["application/problem+json"]?.examples ?? {});
}

/** A body for an operation, built from the examples, defaults and constants of its schema. Undefined if it has no body. */
export function sampleBody(document: OpenApiDocument, operation: Operation): unknown {
  const content = operation.documented.requestBody?.content["application/json"];
  if (!content) return undefined;
  const [named] = Object.values(content.examples ?? {});
  if (content.example !== undefined || named) return content.example ?? named?.value;
  return sampleOf(document, content.schema ?? {}, `the body of ${operation.name}`);
}

/** An example value of a path parameter, or undefined. */
export function sampleParameter({ documented }: Operation, name: string): string | undefined {
  const parameter = (documented.parameters ?? []).find((p) => p.in === "path" && p.name === name);
  const value = parameter?.example ?? parameter?.schema.example ?? parameter?.schema.examples?.[0];
  return value === undefined ? undefined : String(value);
}

/** Resolves a schema's reference, also where a description is added to it. */
export function resolveSchema(document: OpenApiDocument, schema: Schema): Schema {
  if (schema.allOf) {
    return Object.assign({}, ...schema.allOf.map((part) => resolveSchema(document, part)));
  }
  const name = schema.$ref?.replace("#/components/schemas/", "");
  return name ? (document.components.schemas[name] ?? {}) : schema;
}

function sampleOf(document: OpenApiDocument, reference: Schema, where: string): unknown {
  const schema = resolveSchema(document, reference);
  const given = [schema.example, schema.examples?.[0], schema.const, schema.enum?.[0]];
  const known = [...given, schema.default].find((value) => value !== undefined);
  if (known !== undefined) return known;
  if (schema.properties) {
    const entries = Object.entries(schema.properties)
      .filter(([name]) => schema.required?.includes(name))
      .map(([name, property]) => [name, sampleOf(document, property, `${name} in ${where}`)]);
    return Object.fromEntries(entries);
  }
  if (schema.type === "boolean") return true;
  if (schema.type === "array") return [];
  throw new Error(
    `no sample for ${where}: add an example to its schema, or an entry to test/support/samples.ts`,
  );
}
