import { sql } from "drizzle-orm";
import { ifChanged, insertAuditEvent } from "../audit/repository.ts";
import { createAuditEvent } from "../audit/service.ts";
import type { Authority, Context } from "../context.ts";
import { sessionCoversRole, sessionHolds } from "../db/authority.ts";
import { findUniqueViolation, isForeignKeyViolation } from "../db/errors.ts";
import { AppError, invalidField } from "../errors.ts";
import { openCursor, sealCursor } from "../lib/cursor.ts";
import { newId } from "../lib/ids.ts";
import { hashPassword } from "../lib/password-hash.ts";
import { countCodePoints, toComparisonKey } from "../lib/text.ts";
import { findUser, insertUser, listUsers, type NewUser, type UserRow } from "./repository.ts";
import type { CreateUser, ListUsersQuery, RegisterUser } from "./schema.ts";

/** A user by id, or `user_not_found`. Deleted users are found only where `deleted` says so and the actor may see them. */
export async function getUser(
  ctx: Context,
  actor: Authority,
  input: { id: string; deleted: boolean },
): Promise<UserRow> {
  requireDeletedVisible(actor, input.deleted);
  const [user] = await findUser(ctx.db, input.id);
  if (!user || (user.deletedAt !== null && !input.deleted)) throw new AppError("user_not_found");
  return user;
}

/** A page of users, and where the next one begins. */
export async function getUserPage(
  ctx: Context,
  actor: Authority,
  query: ListUsersQuery,
): Promise<{ users: UserRow[]; nextCursor: string | null }> {
  const deleted = query.deleted ?? false;
  requireDeletedVisible(actor, deleted);
  const { macKeys } = ctx.config;
  const scope = `users deleted=${deleted}`;
  const after = query.cursor ? await readPlace(query.cursor, scope, macKeys) : undefined;
  const rows = await listUsers(ctx.db, { deleted, after }, query.limit + 1);
  const users = rows.slice(0, query.limit);
  const last = users.at(-1);
  if (rows.length <= query.limit || !last) return { users, nextCursor: null };
  return { users, nextCursor: await sealCursor([last.createdAt, last.id], scope, macKeys) };
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
  actor: Authority,
  input: CreateUser,
): Promise<UserRow> {
  const role = input.role ?? "user";
  const needed = role === "user" ? ["users:create"] : ["users:create", "roles:assign"];
  if (needed.some((permission) => !actor.permissions.includes(permission))) {
    throw new AppError("forbidden", { detail: "Giving a role needs the permission roles:assign." });
  }
  const mayCreate = sql`${sessionHolds(actor.sessionId, needed)}
    AND ${sessionCoversRole(actor.sessionId, sql`${role}`)}`;
  const [user] = await insertWithAudit(ctx, await newUser(ctx, input), mayCreate);
  if (!user) throw new AppError("privilege_escalation");
  return user;
}

async function insertWithAudit(ctx: Context, row: NewUser, condition: ReturnType<typeof sql>) {
  const event = createAuditEvent(ctx, {
    action: "user.created",
    targetType: "user",
    targetId: row.id,
    changes: {
      username: { from: null, to: row.username },
      email: { from: null, to: row.email },
      role: { from: null, to: row.role },
      is_active: { from: null, to: row.isActive },
    },
  });
  try {
    const [inserted] = await ctx.db.batch([
      insertUser(ctx.db, row, condition),
      insertAuditEvent(ctx.db, event, ifChanged),
    ]);
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

export function unknownRole(): AppError {
  return invalidField("role", "unknown_role", "There is no role of this name.");
}

/** An empty name is no name. */
export function blankToNull(name: string | null | undefined): string | null {
  return name || null;
}

async function newUser(ctx: Context, input: CreateUser): Promise<NewUser> {
  const { minLength, iterations } = ctx.config.password;
  if (countCodePoints(input.password) < minLength) {
    throw invalidField("password", "too_short", `Must have at least ${minLength} characters.`);
  }
  const now = ctx.now();
  return {
    id: newId(),
    username: input.username,
    usernameKey: toComparisonKey(input.username),
    email: input.email,
    emailKey: toComparisonKey(input.email),
    emailVerified: false,
    passwordHash: await hashPassword(input.password, iterations),
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

function requireDeletedVisible(actor: Authority, deleted: boolean): void {
  if (!deleted || actor.permissions.includes("users:delete")) return;
  throw new AppError("forbidden", { detail: "Seeing deleted users needs users:delete." });
}

async function readPlace(cursor: string, scope: string, keys: readonly CryptoKey[]) {
  const place = await openCursor(cursor, scope, keys);
  const [createdAt, id] = place ?? [];
  if (typeof createdAt !== "number" || typeof id !== "string") {
    throw invalidField("cursor", "invalid_cursor", "Not a cursor of this list.");
  }
  return { createdAt, id };
}
