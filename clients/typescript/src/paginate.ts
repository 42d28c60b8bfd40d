import type { MaybeOptionalInit } from "openapi-fetch";
import type { ItemOf, ListPath, paths, Result } from "./api-types.ts";
import { ok } from "./problem.ts";

type InitOf<Path extends ListPath> = MaybeOptionalInit<paths[Path], "get">;

/** The options of a list, which may be left out if the path has no parameters. */
type Init<Path extends ListPath> =
  undefined extends InitOf<Path> ? [init?: InitOf<Path>] : [init: InitOf<Path>];

interface Page {
  data: readonly unknown[];
  pagination: { next_cursor: string | null };
}

interface Options {
  params?: { query?: Record<string, unknown> };
}

type Get = (path: string, options: Options) => Promise<Result<Page>>;

/**
 * Walks through a list, page by page: `for await (const user of paginate(roster, "/v1/users"))`. It requests 100 items at a time unless
 * the query has a `limit`, and the next page only when it is needed. Throws a `RosterProblem`.
 */
export async function* paginate<Path extends ListPath>(
  client: { GET: unknown },
  path: Path,
  ...[init]: Init<Path>
): AsyncGenerator<ItemOf<Path>, void, undefined> {
  const get = client.GET as Get;
  const options = (init ?? {}) as Options;
  let query = { limit: 100, ...options.params?.query };
  for (;;) {
    const { data, pagination } = await ok(
      get(path, { ...options, params: { ...options.params, query } }),
    );
    yield* data as ItemOf<Path>[];
    if (pagination.next_cursor === null) return;
    query = { ...query, ...{ cursor: pagination.next_cursor } };
  }
}
