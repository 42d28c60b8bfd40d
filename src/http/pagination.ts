import { z } from "@hono/zod-openapi";
import type { Page } from "../paging.ts";
import { fault } from "./fields.ts";

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;
const MAX_SKIP = 10_000;

const LIMIT_DESCRIPTION = "The maximum number of items in the page.";
const SKIP_DESCRIPTION = "The number of items before the page.";

/** A combination of query parameters that a list does not support. `path` is the parameter that is reported. */
export interface Unsupported {
  path: string;
  message: string;
  isSent(query: Readonly<Record<string, unknown>>): boolean;
}

const SKIP_WITH_CURSOR: Unsupported = {
  path: "skip",
  message:
    "Cannot be combined with `cursor`. Send `skip` to go to a page by its number, or `cursor` to walk through the list.",
  isSent: ({ skip, cursor }) => skip !== undefined && cursor !== undefined,
};

/** The `limit` of a list. */
export function limitParam(byDefault = DEFAULT_LIMIT) {
  const bounds = { minimum: 1, maximum: MAX_LIMIT };
  return wholeNumber(bounds)
    .default(byDefault)
    .openapi({
      ...bounds,
      type: "integer",
      format: "int32",
      default: byDefault,
      description: LIMIT_DESCRIPTION,
    });
}

/** The query parameters of every list. */
const pageParams = {
  limit: limitParam(),
  cursor: z.string().min(1).max(1024).optional().openapi({
    description:
      "The `next_cursor` of the previous page. Valid only with the same filters and the same order.",
  }),
  skip: wholeNumber({ minimum: 0, maximum: MAX_SKIP })
    .optional()
    .openapi({
      type: "integer",
      format: "int32",
      minimum: 0,
      maximum: MAX_SKIP,
      description:
        `${SKIP_DESCRIPTION} Then \`pagination\` also has \`skip\` and \`total\`. Reads the items that it skips and counts the list: ` +
        "use `cursor` to read all of a long list. Cannot be combined with `cursor`.",
      example: 20,
    }),
};

/** The query parameters of a list, with those of its own, and their combinations that it refuses. */
export function pageQuery<S extends z.core.$ZodShape>(own: S, unsupported: Unsupported[] = []) {
  return filterQuery({ ...pageParams, ...own }, [SKIP_WITH_CURSOR, ...unsupported]);
}

/** Query parameters that select items without pages, and their combinations that are refused. */
export function filterQuery<S extends z.core.$ZodShape>(own: S, unsupported: Unsupported[]) {
  return unsupported.reduce(
    (refined, { path, message, isSent }) =>
      refined.refine((sent) => !isSent(sent), {
        ...fault("unsupported_combination", message),
        path: [path],
        // Also if other parameters are invalid, so that all faults are reported at once.
        when: () => true,
      }),
    z.strictObject(own),
  );
}

/** The query parameters of a list without any of its own. */
export const PageQuery = pageQuery({});

function wholeNumber({ minimum, maximum }: { minimum: number; maximum: number }) {
  return z
    .string()
    .regex(/^-?\d{1,9}$/, "Must be a whole number.")
    .transform(Number)
    .pipe(z.int().min(minimum).max(maximum));
}

const Pagination = z
  .object({
    limit: z.int().openapi({ description: LIMIT_DESCRIPTION }),
    has_more: z.boolean().openapi({ description: "Whether there is another page." }),
    next_cursor: z.string().nullable().openapi({
      description: "The `cursor` of the next page. Null on the last page.",
    }),
    skip: z
      .int()
      .optional()
      .openapi({ description: `${SKIP_DESCRIPTION} Present only if it was requested.` }),
    total: z.int().optional().openapi({
      description:
        "The number of items that the filters select, on all pages. Present only if `skip` was requested.",
    }),
  })
  .openapi("Pagination");

/** The schema of a page of a list. */
export function pageOf<S extends z.ZodType>(item: S, name: string) {
  return z.object({ data: z.array(item), pagination: Pagination }).openapi(name);
}

/** A page of a list as the API returns it. */
export function presentPage<T, R>(page: Page<T>, limit: number, present: (item: T) => R) {
  const { items, nextCursor, place } = page;
  return {
    data: items.map(present),
    pagination: { limit, has_more: nextCursor !== null, next_cursor: nextCursor, ...place },
  };
}
