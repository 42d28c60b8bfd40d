/** The parts of the document that scripts look at. */
export interface OpenApiDocument {
  tags: readonly { name: string; description: string }[];
  paths: Record<string, Record<string, OpenApiOperation>>;
  components: Record<string, Record<string, unknown>>;
}

export interface OpenApiOperation {
  operationId: string;
  summary: string;
  description: string;
  tags: readonly [string];
  parameters?: readonly Reference[];
  security: readonly Record<string, unknown>[];
  requestBody?: { content: Record<string, { schema: unknown }> };
  responses: Record<string, Reference>;
  "x-permission": string;
}

interface Reference {
  $ref?: string;
}

/** An operation with its place in the document. */
export type Placed<T> = T & {
  method: string;
  path: string;
  /** Such as `GET /v1/users/{id}`. */
  name: string;
};

/** Every operation, in the order of the document. */
export function listOperations<T>({
  paths,
}: {
  paths: Record<string, Record<string, T>>;
}): Placed<T>[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method,
      path,
      name: `${method.toUpperCase()} ${path}`,
    })),
  );
}

/** What a reference such as `#/components/responses/Forbidden` refers to; other values as they are. */
export function resolve<T extends object>(
  document: { components: object },
  value: T | Reference,
): T {
  if (!("$ref" in value) || typeof value.$ref !== "string") return value as T;
  const [kind = "", name = ""] = value.$ref.replace("#/components/", "").split("/");
  const found = (document.components as Record<string, Record<string, T>>)[kind]?.[name];
  if (!found) throw new Error(`${value.$ref} refers to nothing`);
  return resolve(document, found);
}
