import { z } from "@hono/zod-openapi";
import type { Page } from "../paging.ts";

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;

export const LIMIT_DESCRIPTION = "The maximum number of items in the page.";

/** The query parameters of every list. */
export const PageQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^-?\d{1,9}$/, "Must be a whole number.")
    .transform(Number)
    .pipe(z.int().min(1).max(MAX_LIMIT))
    .default(DEFAULT_LIMIT)
    .openapi({
      type: "integer",
      minimum: 1,
      maximum: MAX_LIMIT,
      default: DEFAULT_LIMIT,
      description: LIMIT_DESCRIPTION,
    }),
  cursor: z.string().min(1).max(1024).optional().openapi({
    description: "The `next_cursor` of the previous page. Valid only with the same filters.",
  }),
});

const Pagination = z
  .object({
    limit: z.int().openapi({ description: LIMIT_DESCRIPTION }),
    has_more: z.boolean().openapi({ description: "Whether there is another page." }),
    next_cursor: z.string().nullable().openapi({
      description: "The `cursor` of the next page. Null on the last page.",
    }),
  })
  .openapi("Pagination");

/** The schema of a page of a list. */
export function pageOf<S extends z.ZodType>(item: S, name: string) {
  return z.object({ data: z.array(item), pagination: Pagination }).openapi(name);
}

/** A page of a list as the API returns it. */
export function presentPage<T, R>(page: Page<T>, limit: number, present: (item: T) => R) {
  return {
    data: page.items.map(present),
    pagination: { limit, has_more: page.nextCursor !== null, next_cursor: page.nextCursor },
  };
}
