import type { components, paths } from "./generated/api.ts";

export type { components, operations, paths } from "./generated/api.ts";

/** The schemas of the OpenAPI document: `Schemas["User"]`. */
export type Schemas = components["schemas"];

/** Every code that an error response of the service can have. */
export type ErrorCode = Schemas["ErrorCode"];

/** The answer of every way to log in, and of a refresh. */
export type Tokens = Schemas["Tokens"];

/** The answer of a call, as openapi-fetch returns it. */
export interface Result<T> {
  data?: T | undefined;
  error?: unknown;
  response: Response;
}

/** The paths of lists, which `paginate` can walk. */
export type ListPath = {
  [Path in keyof paths]: PageOf<Path> extends never ? never : Path;
}[keyof paths];

/** An item of a list. */
export type ItemOf<Path extends ListPath> = PageOf<Path>["data"][number];

interface Page {
  data: readonly unknown[];
  pagination: unknown;
}

type PageOf<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { "application/json": infer Body extends Page } } } };
}
  ? Body
  : never;
