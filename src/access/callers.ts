import { eq, sql } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { apiKeys } from "../db/schema/api-keys.ts";
import { roles } from "../db/schema/roles.ts";
import { sessions } from "../db/schema/sessions.ts";
import { users } from "../db/schema/users.ts";
import { prepareOnce, type Statement } from "../db/statement.ts";
import type { Moment } from "../lib/time.ts";
import type { Proofs } from "./assurance.ts";
import type { Credential } from "./credential.ts";
import { isSelfScope } from "./permissions.ts";
import type { Principal } from "./principal.ts";

/** What the API returns of a user. It is read with the caller, so that reading your own account needs no second statement. */
export const accountColumns = {
  username: users.username,
  email: users.email,
  emailVerified: users.emailVerified,
  hasPassword: sql<boolean>`${users.passwordHash} IS NOT NULL`.mapWith(Boolean).as("has_password"),
  mfaEnabled: users.mfaEnabled,
  firstName: users.firstName,
  lastName: users.lastName,
  role: users.role,
  isActive: users.isActive,
  version: users.version,
  createdAt: users.createdAt,
  updatedAt: users.updatedAt,
  lastLoginAt: users.lastLoginAt,
  deletedAt: users.deletedAt,
};

/** The account of the user of a credential, as the API returns it. */
export type Account = Pick<
  typeof users.$inferSelect,
  "id" | Exclude<keyof typeof accountColumns, "hasPassword">
> & { hasPassword: boolean };

const ownerColumns = {
  ...accountColumns,
  dataKey: users.dataKey,
  permissions: roles.permissions,
  requireMfa: roles.requireMfa,
  roleUpdatedAt: sql<number>`${roles.updatedAt}`.as("role_updated_at"),
};

// Every column needs a unique name, because D1 returns rows as objects.
const callerColumns = {
  session: {
    ...ownerColumns,
    id: sql<string>`${sessions.id}`.as("session_id"),
    userId: sessions.userId,
    revokedAt: sessions.revokedAt,
    expiresAt: sql<number | null>`${sessions.expiresAt}`.as("expires_at"),
    beganAt: sql<number>`${sessions.createdAt}`.as("began_at"),
    lastUsedAt: sql<number | null>`NULL`.as("last_used_at"),
    scopes: sql<string[] | null>`NULL`.as("scopes"),
    generation: sessions.generation,
    rotatedAt: sessions.rotatedAt,
    proofs: sql<Proofs>`${sessions.proofs}`.mapWith(sessions.proofs).as("proofs"),
  },
  apiKey: {
    ...ownerColumns,
    id: sql<string>`${apiKeys.id}`.as("key_id"),
    userId: apiKeys.userId,
    revokedAt: apiKeys.revokedAt,
    expiresAt: sql<number | null>`${apiKeys.expiresAt}`.as("expires_at"),
    beganAt: sql<number>`coalesce(${apiKeys.secretCreatedAt}, ${apiKeys.createdAt})`.as("began_at"),
    lastUsedAt: apiKeys.lastUsedAt,
    scopes: sql<string[] | null>`${apiKeys.scopes}`.mapWith(apiKeys.scopes).as("scopes"),
    generation: sql<number>`0`.as("generation"),
    rotatedAt: sql<number>`0`.as("rotated_at"),
    proofs: sql<Proofs>`'{}'`.mapWith(sessions.proofs).as("proofs"),
  },
};

/** What D1 says of a credential: its user, its permissions, and everything that decides whether it is live. */
export interface CallerRow extends Omit<Account, "id"> {
  /** The session or the API key. */
  id: string;
  userId: string;
  dataKey: string | null;
  permissions: string[];
  /** Whether the user's role requires a second factor. */
  requireMfa: boolean;
  roleUpdatedAt: number;
  revokedAt: number | null;
  expiresAt: number | null;
  /** When the session began, or the secret of the API key was made. */
  beganAt: number;
  lastUsedAt: number | null;
  scopes: string[] | null;
  /** The current generation of a session, and when it began; 0 for an API key. */
  generation: number;
  rotatedAt: number;
  /** The proofs of a session; none for an API key. */
  proofs: Proofs;
}

let findSession: ((values: { id: string }) => Statement<CallerRow[]>) | undefined;
let findKey: ((values: { hash: string }) => Statement<CallerRow[]>) | undefined;

/** The caller of a credential, for the round trip that reads what the operation needs. */
export function findCaller(db: Db, credential: Credential): Statement<CallerRow[]> {
  if (credential.type === "session") {
    findSession ??= prepareOnce<{ id: string }>()(({ id }) =>
      db
        .select(callerColumns.session)
        .from(sessions)
        .innerJoin(users, eq(users.id, sessions.userId))
        .innerJoin(roles, eq(roles.name, users.role))
        .where(eq(sessions.id, id)),
    );
    return findSession({ id: credential.sessionId });
  }
  findKey ??= prepareOnce<{ hash: string }>()(({ hash }) =>
    db
      .select(callerColumns.apiKey)
      .from(apiKeys)
      .innerJoin(users, eq(users.id, apiKeys.userId))
      .innerJoin(roles, eq(roles.name, users.role))
      .where(eq(apiKeys.secretHash, hash)),
  );
  return findKey({ hash: credential.secretHash });
}

/** The principal of a credential; null if the credential or its user is unusable. */
export function toPrincipal(
  row: CallerRow | undefined,
  credential: Credential,
  { now, revokedBefore }: Moment,
): Principal | null {
  if (!row?.isActive || row.deletedAt !== null || row.revokedAt !== null) return null;
  if (row.expiresAt !== null && row.expiresAt <= now) return null;
  if (row.beganAt < revokedBefore) return null;
  const { id, userId, username, role, dataKey } = row;
  if (credential.type === "api_key") {
    const scopes = row.scopes ?? [];
    const permissions = row.permissions.filter((held) => scopes.includes(held));
    const selfScopes = scopes.filter(isSelfScope);
    return { type: "api_key", keyId: id, selfScopes, userId, username, role, permissions, dataKey };
  }
  if (credential.userId !== userId) return null;
  const { permissions, expiresAt, mfaEnabled } = row;
  // The role requires a second factor since the session began, which may not be marked as ended yet.
  if (row.requireMfa && !mfaEnabled) return null;
  return {
    type: "user",
    sessionId: id,
    expiresAt: expiresAt ?? now,
    proofs: toProofs(row),
    mfaEnabled,
    userId,
    username,
    role,
    permissions,
    dataKey,
  };
}

// Sessions of releases that did not store proofs began with a password.
function toProofs({ proofs, beganAt }: CallerRow): Proofs {
  return Object.keys(proofs).length > 0 ? proofs : { pwd: beganAt };
}

/** The account of a caller. */
export function toAccount(row: CallerRow): Account {
  const { userId: id, username, email, emailVerified, firstName, lastName, role } = row;
  const { hasPassword, mfaEnabled, isActive, version } = row;
  const { createdAt, updatedAt, lastLoginAt, deletedAt } = row;
  const names = { username, email, emailVerified, hasPassword, mfaEnabled, firstName, lastName };
  return { id, ...names, role, isActive, version, createdAt, updatedAt, lastLoginAt, deletedAt };
}
