import { type Placed, resolve } from "../openapi.ts";

/** The parts of the OpenAPI document that the reference uses. */
export interface ApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components: {
    parameters: Record<string, Parameter>;
    responses: Record<string, Response>;
    schemas: Record<string, Schema>;
  };
}

interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters?: (Parameter | Reference)[];
  security?: Record<string, string[]>[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, Response | Reference>;
  "x-permission": string;
  "x-step-up"?: true | string;
}

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
}

export interface Response {
  description: string;
  content?: Content & Record<string, { examples?: Record<string, unknown> }>;
}

export type Content = Record<string, { schema?: Schema }>;

export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  pattern?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
}

interface Reference {
  $ref: string;
}

export type PlacedOperation = Placed<Operation>;

/** The error codes of a response. */
export function listCodes(document: ApiDocument, response: Response | Reference): string[] {
  const { content } = resolve<Response>(document, response);
  return Object.keys(content?.["application/problem+json"]?.examples ?? {});
}
