import { sql } from "drizzle-orm";
import { authorize, findStanding, whereAuthorized } from "../../access/conditions.ts";
import type { Permission } from "../../access/permissions.ts";
import type { Principal } from "../../access/principal.ts";
import { requirePermissions, requireStanding } from "../../access/require.ts";
import { createAuditEvent } from "../../audit/events.ts";
import { ifChanged, ifRecorded, insertAuditEvent } from "../../audit/repository.ts";
import { requireAcceptablePassword } from "../../authentication/passwords/rules.ts";
import type { Context } from "../../context.ts";
import { findUniqueViolation, isForeignKeyViolation } from "../../db/errors.ts";
import { AppError, invalidField } from "../../errors.ts";
import { mintDataKey } from "../../lib/data-key.ts";
import { newId } from "../../lib/ids.ts";
import { hashPassword } from "../../lib/password-hash.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { deliverSoon, maySendMail, queueMail } from "../../outbox/deliver.ts";
import { type Page, readPage } from "../../paging.ts";
import { findUser, insertUser, listUsers, type NewUser, type UserRow } from "./repository.ts";
import type { CreateUser, ListUsersQuery, RegisterUser } from "./schema.ts";

/** A user by id, or `user_not_found`. Deleted users are found only where `deleted` says so and the actor may see them. */
export async function getUser(
  ctx: Context,
  principal: Principal,
  input: { id: string; deleted: boolean },
): Promise<UserRow> {
  requireDeletedVisible(principal, input.deleted);
  const [user] = await findUser(ctx.db, input.id);
  if (!user || (user.deletedAt !== null && !input.deleted)) throw new AppError("user_not_found");
  return user;
}

/** A page of users, the newest first. */
export async function getUserPage(
  ctx: Context,
  principal: Principal,
  query: ListUsersQuery,
): Promise<Page<UserRow>> {
  const deleted = query.deleted ?? false;
  requireDeletedVisible(principal, deleted);
  return readPage({
    limit: query.limit,
    cursor: query.cursor,
    scope: `users deleted=${deleted}`,
    keys: ctx.config.macKeys,
    placeOf: ({ createdAt, id }) => [createdAt, id],
    read: (after, limit) => listUsers(ctx.db, { deleted, after }, limit),
  });
}

/** Lets someone open an account for themselves. Throws `registration_closed`, `email_taken`, `username_taken`. */
export async function registerUser(ctx: Context, input: RegisterUser): Promise<UserRow> {
  if (!ctx.config.registrationOpen) throw new AppError("registration_closed");
  const [user] = await insertWithAudit(ctx, await newUser(ctx, input), sql`true`);
  if (!user) throw new AppError("internal_error");
  return user;
}

/** Creates a user for someone else. A role other than `user` needs roles:assign and nothing above the actor's own permissions. */
export async function createUser(
  ctx: Context,
  principal: Principal,
  input: CreateUser,
): Promise<UserRow> {
  const role = input.role ?? "user";
  const needed: Permission[] =
    role === "user" ? ["users:create"] : ["users:create", "roles:assign"];
  requirePermissions(principal, needed);
  const may = authorize(principal, {
    permissions: needed,
    roles: [sql`${role}`],
    now: ctx.now(),
  });
  const [user] = await insertWithAudit(ctx, await newUser(ctx, input), whereAuthorized(may));
  if (user) return user;
  const [standing] = await findStanding(ctx.db, may);
  requireStanding(standing);
  throw new AppError("forbidden");
}

async function insertWithAudit(ctx: Context, row: NewUser, condition: ReturnType<typeof sql>) {
  const event = await createAuditEvent(ctx, {
    action: "user.created",
    targetType: "user",
    targetId: row.id,
    changes: {
      role: { from: null, to: row.role },
      is_active: { from: null, to: row.isActive },
    },
    personal: {
      of: row,
      changes: {
        username: { from: null, to: row.username },
        email: { from: null, to: row.email },
        first_name: { from: null, to: row.firstName },
        last_name: { from: null, to: row.lastName },
      },
    },
  });
  const mail = { userId: row.id, kind: "verify_email", address: row.email } as const;
  try {
    const [inserted, , queued] = await ctx.db.batch([
      insertUser(ctx.db, row, condition),
      insertAuditEvent(ctx.db, event, ifChanged),
      queueMail(ctx, mail, sql`${ifRecorded(event.id)} AND ${maySendMail(ctx, mail)}`),
    ]);
    deliverSoon(ctx, queued);
    return inserted;
  } catch (error) {
    throw toConflict(error);
  }
}

/** What a failed write means to the caller: a taken name, a role that does not exist, or the error as it was. */
export function toConflict(error: unknown): unknown {
  const column = findUniqueViolation(error);
  if (column?.includes("email_key")) return new AppError("email_taken", { cause: error });
  if (column?.includes("username_key")) return new AppError("username_taken", { cause: error });
  if (isForeignKeyViolation(error)) return unknownRole();
  return error;
}

function unknownRole(): AppError {
  return invalidField("role", "unknown_role", "There is no role of this name.");
}

/** An empty name is no name. */
export function blankToNull(name: string | null | undefined): string | null {
  return name || null;
}

async function newUser(ctx: Context, input: CreateUser): Promise<NewUser> {
  await requireAcceptablePassword(ctx, input.password, input, "password");
  const now = ctx.now();
  const id = newId();
  return {
    id,
    dataKey: await mintDataKey(id, ctx.config.dataKeys),
    username: input.username,
    usernameKey: toComparisonKey(input.username),
    email: input.email,
    emailKey: toComparisonKey(input.email),
    emailVerified: false,
    passwordHash: await hashPassword(input.password, ctx.config.password),
    firstName: blankToNull(input.first_name),
    lastName: blankToNull(input.last_name),
    role: input.role ?? "user",
    isActive: input.is_active ?? true,
    version: 1,
    createdAt: now,
    updatedAt: now,
    lastLoginAt: null,
    deletedAt: null,
  };
}

function requireDeletedVisible(principal: Principal, deleted: boolean): void {
  if (!deleted || principal.permissions.includes("users:delete")) return;
  throw new AppError("forbidden", { detail: "Seeing deleted users needs users:delete." });
}
