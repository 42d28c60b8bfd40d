import { read } from "../../access/read.ts";
import { requirePermissions } from "../../access/require.ts";
import type { Context } from "../../context.ts";
import { openPage, type Page, toPage } from "../../paging.ts";
import {
  countFound,
  countUsers,
  type ListedUser,
  listUsers,
  type Part,
  searchUsers,
  type UserFilter,
  type UserOrder,
  type UserSort,
} from "./list-repository.ts";
import type { UserRow } from "./repository.ts";
import type { ListUsersQuery } from "./schema.ts";
import { toWords } from "./search.ts";

const DEFAULT_SORT = "-created_at";

/**
 * A page of users: those who were created last first, or in another order, or of a search those who were added last first. Lists of
 * deleted users need users:delete. Throws `forbidden`.
 */
export async function getUserPage(ctx: Context, query: ListUsersQuery): Promise<Page<UserRow>> {
  const filter = toFilter(query);
  const order = toOrder(query);
  const list = {
    scope: `users ${JSON.stringify([filter, query.q ?? order])}`,
    keys: ctx.config.macKeys,
    positionOf: ({ sortKey, id }: ListedUser) => [sortKey, id],
  };
  const after = await openPage(list, query);
  const part = { after, skip: query.skip, limit: query.limit + 1 };
  const { acting, users, totals } = await read(ctx, toStatements(ctx, query, part));
  if (filter.deleted) requirePermissions(acting.actor, ["users:delete"]);
  return toPage(list, query, users, totals);
}

function toStatements({ db }: Context, query: ListUsersQuery, part: Part) {
  const filter = toFilter(query);
  const isCounted = part.skip !== undefined;
  if (query.q !== undefined) {
    const words = toWords(query.q);
    return {
      users: searchUsers(db, words, filter, part),
      totals: isCounted && countFound(db, words, filter),
    };
  }
  const order = toOrder(query);
  return {
    users: listUsers(db, filter, order, part),
    totals: isCounted && countUsers(db, filter, order),
  };
}

/** What the parameters of a list select. */
function toFilter(query: Omit<ListUsersQuery, "limit">): UserFilter {
  return {
    deleted: query.deleted ?? false,
    role: query.role,
    isActive: query.is_active,
    emailVerified: query.email_verified,
    createdAfter: query.created_after,
    createdBefore: query.created_before,
  };
}

function toOrder({ sort = DEFAULT_SORT }: Pick<ListUsersQuery, "sort">): UserOrder {
  const isDescending = sort.startsWith("-");
  return { sort: (isDescending ? sort.slice(1) : sort) as UserSort, isDescending };
}
