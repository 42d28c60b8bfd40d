import { z } from "@hono/zod-openapi";
import { NewPassword } from "../../authentication/passwords/rules.ts";
import { toValidators } from "../../http/etag.ts";
import { fault, readOnlyField, Timestamp } from "../../http/fields.ts";
import { Email, PersonName, Username } from "../../http/identifiers.ts";
import { filterQuery, pageOf, pageQuery, type Unsupported } from "../../http/pagination.ts";
import { UserIdParam } from "../../http/params.ts";
import { countCodePoints, isVisibleText, normalizeSearch } from "../../lib/text.ts";
import { toTimestamp, toTimestampOrNull } from "../../lib/time.ts";
import type { UserRow } from "./repository.ts";
import { toWords } from "./search.ts";

const Role = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,49}$/, "Must be the name of a role.")
  .openapi("RoleName", { description: "The name of a role.", example: "user" });

const registration = {
  username: Username,
  email: Email,
  password: NewPassword,
  first_name: PersonName.optional(),
  last_name: PersonName.optional(),
};

export const RegisterUser = z.strictObject(registration).openapi("RegisterUser");
export type RegisterUser = z.infer<typeof RegisterUser>;

export const CreateUser = z
  .strictObject({
    ...registration,
    password: NewPassword.optional().openapi({
      description: "Without a password, the user is invited by email to choose one.",
    }),
    role: Role.optional(),
    is_active: z.boolean().optional(),
  })
  .openapi("CreateUser");
export type CreateUser = z.infer<typeof CreateUser>;

const editable = {
  username: Username,
  email: Email,
  first_name: PersonName,
  last_name: PersonName,
  role: Role,
  is_active: z.boolean(),
};

const time = { type: "string", format: "date-time" } as const;
const timeOrNull = { type: ["string", "null"] as ["string", "null"], format: "date-time" };

/** Fields that GET returns and nobody can set. */
const readOnly = {
  id: readOnlyField({ type: "string", format: "uuid" }),
  email_verified: readOnlyField({ type: "boolean" }),
  full_name: readOnlyField({ type: ["string", "null"] }),
  has_password: readOnlyField({ type: "boolean" }),
  mfa_enabled: readOnlyField({ type: "boolean" }),
  created_at: readOnlyField(time),
  updated_at: readOnlyField(time),
  last_login_at: readOnlyField(timeOrNull),
  deleted_at: readOnlyField(timeOrNull),
};

export const READ_ONLY_FIELDS = Object.keys(readOnly) as (keyof typeof readOnly)[];

export const ReplaceUser = z.strictObject({ ...editable, ...readOnly }).openapi("ReplaceUser", {
  description:
    "A user as GET returns it. Fields that cannot be changed may be absent or unchanged.",
});
type ReplaceUser = z.infer<typeof ReplaceUser>;

export const UpdateUser = z.strictObject(editable).partial().openapi("UpdateUser");
/** The fields of a user to change, and read-only fields as sent. Absent fields keep their value. */
export type EditUser = {
  [Name in keyof ReplaceUser]?: ReplaceUser[Name] | undefined;
};

export const AssignRole = z.strictObject({ role: Role }).openapi("AssignRole");

export const UserParams = z.strictObject({ id: UserIdParam });

/** A query parameter that is `true` or `false`. */
export const Flag = z
  .enum(["true", "false"])
  .transform((value) => value === "true")
  .openapi({ type: "boolean" });

export const GetUserQuery = z.strictObject({
  deleted: Flag.optional().openapi({
    description: "`true` also returns a deleted user. Needs users:delete.",
  }),
});

const SORT_FIELDS = ["created_at", "updated_at", "username", "email", "last_login_at"] as const;
const SORTS = SORT_FIELDS.flatMap((field) => [field, `-${field}`] as const satisfies string[]);

const MAX_SEARCH_LENGTH = 100;

const Search = z
  .string()
  .refine(
    isVisibleText,
    fault("invalid_characters", "Must not contain control or invisible characters."),
  )
  .overwrite(normalizeSearch)
  .refine((q) => toWords(q).length > 0, fault("too_short", "Must have at least one word."))
  .refine(
    (q) => countCodePoints(q) <= MAX_SEARCH_LENGTH,
    fault("too_long", `Must have at most ${MAX_SEARCH_LENGTH} characters.`),
  );

const Moment = z.iso.datetime({ offset: true }).transform((time) => Date.parse(time));
const moment = (description: string) =>
  Moment.optional().openapi({
    type: "string",
    format: "date-time",
    description,
    example: "2026-11-20T08:00:00Z",
  });

/** What a list of users selects, and its order. */
const userFilters = {
  q: Search.optional().openapi({
    type: "string",
    minLength: 1,
    description:
      "Finds users whose username, email or names contain all of these words, in any order, regardless of case and diacritics. Words of " +
      "one or two characters are found at the beginning of a word only. At most 100 characters. The users who were added last come first: " +
      "cannot be combined with `sort`, `created_after` or `created_before`.",
    example: "ada lovel",
  }),
  role: Role.optional().openapi({
    param: { description: "Only users with this role.", example: "moderator" },
  }),
  is_active: Flag.optional().openapi({ description: "Only users who can log in, or who cannot." }),
  email_verified: Flag.optional().openapi({
    description: "Only users who have confirmed their email, or who have not.",
  }),
  mfa_enabled: Flag.optional().openapi({
    description: "Only users who have a second factor, or who have none.",
  }),
  created_after: moment(
    "Only users who were created at this time or later. Needs a `sort` by `created_at`, the default.",
  ),
  created_before: moment(
    "Only users who were created before this time. Needs a `sort` by `created_at`, the default.",
  ),
  deleted: Flag.optional().openapi({
    description: "`true` lists only deleted users. Needs users:delete.",
  }),
  sort: z
    .enum(SORTS)
    .optional()
    .openapi({
      description:
        "The field to sort by, with `-` before it in descending order. Users with equal values are sorted by id, in the same direction. " +
        "Users who have never logged in come before all others by `last_login_at`, and after them by `-last_login_at`. Default: `-created_at`.",
      example: "-last_login_at",
    }),
};

const UNSUPPORTED: Unsupported[] = [
  {
    path: "sort",
    message:
      "Cannot be combined with `q`, which lists the users who were added last first. Leave one of them out.",
    isSent: ({ q, sort }) => q !== undefined && sort !== undefined,
  },
  ...["created_after", "created_before"].flatMap((path) => [
    {
      path,
      message: "Cannot be combined with `q`. Leave one of them out.",
      isSent: ({ q, [path]: time }: Readonly<Record<string, unknown>>) =>
        q !== undefined && time !== undefined,
    },
    {
      path,
      message:
        "Can only be combined with the sorts `created_at` and `-created_at`. Change or leave out `sort`.",
      isSent: ({ sort = "created_at", [path]: time }: Readonly<Record<string, unknown>>) =>
        time !== undefined && !/^-?created_at$/.test(String(sort)),
    },
  ]),
];

export const ListUsersQuery = pageQuery(userFilters, UNSUPPORTED);
export type ListUsersQuery = z.infer<typeof ListUsersQuery>;

export const ExportUsersQuery = filterQuery(userFilters, UNSUPPORTED);
export type ExportUsersQuery = z.infer<typeof ExportUsersQuery>;

export const User = z
  .object({
    id: z.uuid().openapi({ example: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11" }),
    username: z.string().openapi({ example: "ada" }),
    email: z.string().openapi({ example: "ada@example.com" }),
    email_verified: z.boolean(),
    first_name: z.string().nullable().openapi({ example: "Ada" }),
    last_name: z.string().nullable().openapi({ example: "Lovelace" }),
    full_name: z.string().nullable().openapi({ example: "Ada Lovelace" }),
    role: z.string().openapi({ example: "user" }),
    is_active: z.boolean(),
    has_password: z
      .boolean()
      .openapi({ description: "Whether the user can log in with a password." }),
    mfa_enabled: z.boolean().openapi({ description: "Whether the user has a second factor." }),
    created_at: Timestamp,
    updated_at: Timestamp,
    last_login_at: Timestamp.nullable(),
    deleted_at: Timestamp.nullable(),
  })
  .openapi("User");

export const UserPage = pageOf(User, "UserPage");

/** A user as the API shows it, field by field, so that a new column cannot leak. */
export function presentUser(row: Omit<UserRow, "version">): z.infer<typeof User> {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    email_verified: row.emailVerified,
    first_name: row.firstName,
    last_name: row.lastName,
    full_name: [row.firstName, row.lastName].filter(Boolean).join(" ") || null,
    role: row.role,
    is_active: row.isActive,
    has_password: row.hasPassword,
    mfa_enabled: row.mfaEnabled,
    created_at: toTimestamp(row.createdAt),
    updated_at: toTimestamp(row.updatedAt),
    last_login_at: toTimestampOrNull(row.lastLoginAt),
    deleted_at: toTimestampOrNull(row.deletedAt),
  };
}

/** The response to the creation of a user. */
export function presentNewUser(row: UserRow) {
  const headers = { Location: `/v1/users/${row.id}`, ...toValidators(row) };
  return { status: 201 as const, headers, body: presentUser(row) };
}
