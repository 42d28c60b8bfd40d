export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  pattern?: string;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  discriminator?: { propertyName: string; mapping: Record<string, string> };
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  example?: unknown;
  examples?: unknown[];
}

interface Parameter {
  $ref?: string;
  name: string;
  in: string;
  description?: string;
  required?: boolean;
  example?: unknown;
  schema: Schema;
}

interface MediaType {
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, { value?: unknown }>;
}

export interface DocumentedOperation {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: Record<string, string[]>[];
  "x-permission"?: string;
  "x-step-up"?: true | string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, MediaType> };
  responses: Record<string, DocumentedResponse>;
}

export interface DocumentedResponse {
  $ref?: string;
  description?: string;
  headers?: Record<string, { $ref?: string }>;
  content?: Record<string, MediaType>;
}

export interface OpenApiDocument {
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: {
    schemas: Record<string, Schema>;
    responses: Record<string, DocumentedResponse>;
    parameters: Record<string, Parameter>;
    headers: Record<string, { required: boolean }>;
    examples: Record<string, { value: Record<string, unknown> }>;
  };
}

/** Replaces references to shared responses and parameters by what they refer to. */
export function inlineComponents(document: OpenApiDocument): OpenApiDocument {
  const nameOf = ($ref = "") => $ref.split("/").at(-1) ?? "";
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    operation.parameters = (operation.parameters ?? []).map(
      (parameter) => document.components.parameters[nameOf(parameter.$ref)] ?? parameter,
    );
    for (const [status, { $ref }] of Object.entries(operation.responses)) {
      const shared = document.components.responses[nameOf($ref)];
      if (shared) operation.responses[status] = shared;
    }
  }
  return document;
}
