import { read } from "../../access/read.ts";
import type { Context } from "../../context.ts";
import { openPage, type Page, toPage } from "../../paging.ts";
import {
  countFound,
  countUsers,
  type ListedUser,
  listUsers,
  type Part,
  positionOf,
  searchUsers,
  type UserFilter,
  type UserOrder,
  type UserSort,
} from "./list-repository.ts";
import type { ExportUsersQuery, ListUsersQuery } from "./schema.ts";
import { toWords } from "./search.ts";

const DEFAULT_SORT = "-created_at";

/**
 * A page of users: those who were created last first, or in another order, or of a search those who were added last first. Throws
 * `forbidden`.
 */
export async function getUserPage(ctx: Context, query: ListUsersQuery): Promise<Page<ListedUser>> {
  const filter = toFilter(query);
  const order = toOrder(query);
  const list = {
    scope: `users ${JSON.stringify([filter, query.q ?? order])}`,
    keys: ctx.config.macKeys,
    positionOf,
  };
  const after = await openPage(list, query);
  const part = { after, skip: query.skip, limit: query.limit + 1 };
  const { users, totals } = await read(ctx, {
    users: selectUsers(ctx, query, part),
    totals: query.skip !== undefined && countSelected(ctx, query),
  });
  return toPage(list, query, users, totals);
}

/** Part of the users that a query selects, in its order. */
export function selectUsers({ db }: Context, query: ExportUsersQuery, part: Part) {
  const filter = toFilter(query);
  if (query.q !== undefined) return searchUsers(db, toWords(query.q), filter, part);
  return listUsers(db, filter, toOrder(query), part);
}

function countSelected({ db }: Context, query: ExportUsersQuery) {
  const filter = toFilter(query);
  if (query.q !== undefined) return countFound(db, toWords(query.q), filter);
  return countUsers(db, filter, toOrder(query));
}

/** What the parameters of a list select. */
function toFilter(query: ExportUsersQuery): UserFilter {
  return {
    deleted: query.deleted ?? false,
    role: query.role,
    isActive: query.is_active,
    emailVerified: query.email_verified,
    mfaEnabled: query.mfa_enabled,
    createdAfter: query.created_after,
    createdBefore: query.created_before,
  };
}

function toOrder({ sort = DEFAULT_SORT }: ExportUsersQuery): UserOrder {
  const isDescending = sort.startsWith("-");
  return { sort: (isDescending ? sort.slice(1) : sort) as UserSort, isDescending };
}
