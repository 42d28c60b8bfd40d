import { type SQL, sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import type { Permission } from "../../access/permissions.ts";
import { type Acting, read } from "../../access/read.ts";
import { requirePermissions } from "../../access/require.ts";
import { requireStepUp } from "../../access/step-up.ts";
import { commit, retryOnConflict } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import { findPasswordFaults } from "../../authentication/passwords/rules.ts";
import type { Context } from "../../context.ts";
import { AppError, type Fault, requireNoFaults } from "../../errors.ts";
import { type KeepAnswer, requireUnanswered } from "../../idempotency/answers.ts";
import { mintDataKey } from "../../lib/data-key.ts";
import { newId } from "../../lib/ids.ts";
import { hashPassword } from "../../lib/password-hash.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { toDay } from "../../lib/time.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail, requireMail } from "../../outbox/queue.ts";
import { requireCreatable, whereCreatable } from "./by-key.ts";
import { toConflict, UNKNOWN_ROLE } from "./conflict.ts";
import {
  findRoleGrants,
  insertUser,
  type NewUser,
  toUserRow,
  type UserRow,
  whereAdminExists,
} from "./repository.ts";
import type { CreateUser, RegisterUser } from "./schema.ts";

export const DEFAULT_ROLE = "user";

/** The `registered_day` of users whose invitation is not accepted. */
const INVITED = 0;

const NO_ADMIN_YET =
  "Registration opens once this service has an administrator. Its operator creates the first one with `npm run admin -- create`.";

/**
 * Registers an account for the person who sends the request. In production, registration stays closed until the first administrator
 * exists. Throws `registration_closed`, `email_taken`, `username_taken`.
 */
export async function registerUser(
  ctx: Context,
  input: RegisterUser,
  keep: KeepAnswer<UserRow>,
): Promise<UserRow> {
  await checkRegistration(ctx, input);
  const whereOpen = whereRegistrationOpen(ctx);
  const row = registered(ctx, await createUserRow(ctx, input));
  const user = await insertWithAudit(ctx, row, whereOpen, keep);
  if (!user) throw noAdminYet();
  return user;
}

/** A new user who registers themselves. */
export function registered(ctx: Context, row: NewUser): NewUser {
  return { ...row, registeredDay: toDay(ctx.now()) };
}

/** True once people may register: in production, when the first administrator exists. */
export function whereRegistrationOpen({ config }: Pick<Context, "config">): SQL {
  return config.environment === "production" ? whereAdminExists : sql`true`;
}

/** The error for a registration before that. */
export function noAdminYet(): AppError {
  return new AppError("registration_closed", { detail: NO_ADMIN_YET });
}

/** Throws `registration_closed`, and `validation_failed` for a password that is unacceptable. */
export async function checkRegistration(ctx: Context, input: Partial<RegisterUser>): Promise<void> {
  if (!ctx.config.registrationOpen) throw new AppError("registration_closed");
  await requireUnanswered(ctx);
  requireNoFaults(await findPasswordFaults(ctx, input.password, input, "password"));
}

/**
 * Creates a user for another person. Without a password, the person is invited by email to choose one. The caller must hold
 * every permission that the role grants, and a role other than `user` needs roles:assign. An API key creates only accounts
 * whose role grants nothing.
 * Throws `forbidden`, `privilege_escalation`, `email_taken`, `username_taken`, `validation_failed`.
 */
export async function createUser(
  ctx: Context,
  input: CreateUser,
  keep: KeepAnswer<UserRow>,
): Promise<UserRow> {
  const role = input.role ?? DEFAULT_ROLE;
  const needs = toNeeds(role);
  let row: NewUser | undefined;
  return retryOnConflict(async () => {
    const acting = await checkNewUser(ctx, input);
    if (input.password === undefined) requireMail(acting);
    row ??= await createUserRow(ctx, input);
    const whereAllowed = whereAuthorized(acting, { needs, grants: sql`${role}` });
    const condition = sql`${whereAllowed} AND ${whereCreatable(acting, role)}`;
    return insertWithAudit(acting, row, condition, keep);
  });
}

/**
 * The caller who may create this user. Throws `forbidden`, `privilege_escalation`, and `validation_failed` with all that a
 * schema cannot find wrong.
 */
export async function checkNewUser(ctx: Context, input: Partial<CreateUser>): Promise<Acting> {
  const role = input.role ?? DEFAULT_ROLE;
  const { acting, granted } = await read(ctx, { granted: findRoleGrants(ctx.db, role) });
  requirePermissions(acting.actor, toNeeds(role));
  const [grants] = granted;
  if (grants) requireCreatable(acting, grants.permissions);
  if (role !== DEFAULT_ROLE) requireStepUp(acting);
  await requireUnanswered(acting);
  const roleFaults: Fault[] = grants ? [] : [UNKNOWN_ROLE];
  const passwordFaults = await findPasswordFaults(ctx, input.password, input, "password");
  requireNoFaults([...passwordFaults, ...roleFaults]);
  return acting;
}

/** The permissions that creating a user with a role needs besides the operation's own. */
export function toNeeds(role: string): Permission[] {
  return role === DEFAULT_ROLE ? [] : ["roles:assign"];
}

async function insertWithAudit(
  ctx: Context,
  row: NewUser,
  condition: SQL,
  keep: KeepAnswer<UserRow>,
): Promise<UserRow | undefined> {
  const isInvited = row.passwordHash === null;
  const kind = isInvited ? "invitation" : "verify_email";
  const mail = { userId: row.id, kind, address: row.email } as const;
  const target = { targetType: "user", targetId: row.id } as const;
  const event = await createAuditEvent(ctx, {
    action: "user.created",
    ...target,
    changes: describeNewUser(row),
    personal: { of: row, changes: describeNewPerson(row) },
  });
  const answer = await keep(toUserRow(row), row.id);
  try {
    const { changed, queued } = await commit(ctx, {
      change: insertUser(ctx.db, row, condition),
      event,
      furtherEvents: isInvited
        ? [await createAuditEvent(ctx, { action: "user.invited", ...target, origin: row })]
        : [],
      effects: (recorded) => ({
        queued: queueMail(ctx, mail, recorded),
        ...answer(recorded),
      }),
    });
    deliverSoon(ctx, queued);
    return changed[0];
  } catch (error) {
    throw toConflict(error);
  }
}

/** What `user.created` records of a user. */
export function describeNewUser({ role, isActive }: Pick<NewUser, "role" | "isActive">) {
  return { role: { from: null, to: role }, is_active: { from: null, to: isActive } };
}

/** The personal data that `user.created` records, which is to be sealed. */
export function describeNewPerson(
  row: Pick<NewUser, "username" | "email" | "firstName" | "lastName">,
) {
  return {
    username: { from: null, to: row.username },
    email: { from: null, to: row.email },
    first_name: { from: null, to: row.firstName },
    last_name: { from: null, to: row.lastName },
  };
}

/** An empty name is stored as null. */
export function blankToNull(name: string | null | undefined): string | null {
  return name || null;
}

/**
 * The row of a new user whom someone else creates. Their address is not verified. Without a password, they have none, and count as
 * registered once they accept the invitation.
 */
export async function createUserRow(ctx: Context, input: CreateUser): Promise<NewUser> {
  const { password } = input;
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
    passwordHash: password === undefined ? null : await hashPassword(password, ctx.config.password),
    firstName: blankToNull(input.first_name),
    lastName: blankToNull(input.last_name),
    role: input.role ?? DEFAULT_ROLE,
    isActive: input.is_active ?? true,
    version: 1,
    createdAt: now,
    updatedAt: now,
    lastLoginAt: null,
    deletedAt: null,
    registeredDay: password === undefined ? INVITED : null,
  };
}
