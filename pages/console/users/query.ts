// What a list of users selects, and its order: in the page's address, in the fields of the filter, and in requests.
import type { paths } from "roster-client";

const DEFAULTS = {
  role: "",
  is_active: "",
  email_verified: "",
  mfa_enabled: "",
  created_from: "",
  created_to: "",
  deleted: "",
  sort: "-created_at",
  limit: "25",
};

/** The names of what the page's address can hold. */
const NAMES = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[];

/** The texts in the fields of the filter. `created_from` and `created_to` are days, both included. */
export type Selection = typeof DEFAULTS & { q: string };

export const LIMITS = ["10", "25", "50", "100"] as const;

export const SORTS = [
  "-created_at",
  "created_at",
  "-updated_at",
  "updated_at",
  "username",
  "-username",
  "email",
  "-email",
  "-last_login_at",
  "last_login_at",
] as const;

export type Sort = (typeof SORTS)[number];

/** Reads the query of the page's address. What people search for may be personal: it is not in the address. */
export function readSelection(query: Readonly<Record<string, string>>, q: string): Selection {
  const read = Object.fromEntries(NAMES.map((name) => [name, query[name] ?? DEFAULTS[name]]));
  return { ...DEFAULTS, ...read, q };
}

/** The query of the page's address: what differs from the defaults. */
export function writeSelection(selection: Selection): string {
  const named = NAMES.filter((name) => selection[name] !== DEFAULTS[name]);
  const query = new URLSearchParams(named.map((name) => [name, selection[name]])).toString();
  return query && `?${query}`;
}

/** How many filters are set, without the words that are searched for. */
export function countFilters(selection: Selection): number {
  const filters = NAMES.filter((name) => name !== "sort" && name !== "limit");
  return filters.filter((name) => selection[name] !== DEFAULTS[name]).length;
}

/** True if the list can be ordered as one likes: words are found newest first, and a range of days needs the order of creation. */
export function isSortable({ q, created_from, created_to }: Selection): boolean {
  return !q && !created_from && !created_to;
}

type ListQuery = NonNullable<paths["/v1/users"]["get"]["parameters"]["query"]>;
export type FilterQuery = Omit<ListQuery, "limit" | "cursor" | "skip">;

/** The filters and the order as parameters of the API, without what it cannot combine. */
export function toQuery(selection: Selection): FilterQuery {
  const { q, role, is_active, email_verified, mfa_enabled, created_from, created_to } = selection;
  const { deleted, sort } = selection;
  const isByCreation = sort === "-created_at" || sort === "created_at";
  const hasRange = created_from !== "" || created_to !== "";
  return {
    ...(q && { q }),
    ...(role && { role }),
    ...(is_active && { is_active: is_active === "true" }),
    ...(email_verified && { email_verified: email_verified === "true" }),
    ...(mfa_enabled && { mfa_enabled: mfa_enabled === "true" }),
    ...(deleted === "true" && { deleted: true }),
    ...(!q && created_from && { created_after: toStart(created_from, 0) }),
    ...(!q && created_to && { created_before: toStart(created_to, 1) }),
    ...(!q && (isByCreation || !hasRange) && { sort: sort as Sort }),
  };
}

/** The beginning of a day, in the reader's time zone, some days later. */
function toStart(day: string, daysLater: number): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + daysLater).toISOString();
}
