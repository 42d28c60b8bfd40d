import type { Acting } from "../../access/read.ts";
import { requirePermissions } from "../../access/require.ts";
import type { Changes } from "../../audit/events.ts";
import { findPasswordFaults } from "../../authentication/passwords/rules.ts";
import { AppError, type Fault } from "../../errors.ts";
import { findFaults } from "../../http/validation.ts";
import { mintDataKey } from "../../lib/data-key.ts";
import { toStoredHash } from "../../lib/foreign-hash/parse.ts";
import { idFromBytes, newId } from "../../lib/ids.ts";
import { computeMac, firstKey } from "../../lib/mac.ts";
import { hashPassword } from "../../lib/password-hash.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { toNewProfile } from "../profiles/change.ts";
import type { ProfileValues } from "../profiles/repository.ts";
import { requireCreatable } from "../users/by-key.ts";
import { UNKNOWN_ROLE } from "../users/conflict.ts";
import { blankToNull, DEFAULT_ROLE, toNeeds } from "../users/create.ts";
import type { NewUser } from "../users/repository.ts";
import { ImportRow, type ImportUsers } from "./schema.ts";

/** Hashing a password takes some 60 ms of CPU time. */
const MAX_PASSWORDS = 50;

/** The maximum number of problems that are reported of a row, so that the response is not many times larger than the request. */
const MAX_FAULTS = 20;

const MAX_USERNAME_LENGTH = 50;
const SUFFIX_CHARACTERS = 8;

/** The permissions of the roles that rows name. */
export type Grants = ReadonlyMap<string, readonly string[]>;

/** A row that is valid, as a user to insert. */
export interface Draft {
  index: number;
  row: NewUser;
  profile: { values: ProfileValues; changes: Changes | undefined } | undefined;
  /** Whether another username may be tried: this one was made of the email address. */
  isRenamable: boolean;
  /** The length of the row as JSON. */
  size: number;
}

/** Turns rows into drafts. It counts the passwords of a call. */
export interface RowReader {
  /** What is wrong with a row, or the draft of its user. */
  readRow(input: unknown, index: number): Promise<Fault[] | Draft>;
}

/** Creates the reader of a call's rows. */
export function createRowReader(
  acting: Acting,
  grants: Grants,
  { hashing, key }: { hashing: ImportUsers["hash_parameters"]; key: string | undefined },
): RowReader {
  let passwords = 0;
  return {
    async readRow(input, index) {
      const faults = await findFaults(ImportRow, input);
      if (faults.length > 0) return faults.slice(0, MAX_FAULTS);
      const row = ImportRow.parse(input);
      if (row.password !== undefined) passwords += 1;
      const hash = readHash(row, hashing);
      const found = [
        ...findTimeFaults(acting, row),
        ...findRoleFaults(acting, grants, row.role),
        ...hash.faults,
        ...(await findPasswordFaultsOf(acting, row, passwords)),
      ];
      if (found.length > 0) return found;
      const id = key === undefined ? newId() : await deriveId(acting, [key, index, input]);
      return createDraft(acting, { id, row, index, hash: hash.stored, input });
    },
  };
}

function readHash(
  { password, password_hash }: ImportRow,
  parameters: ImportUsers["hash_parameters"],
): { stored: string | null; faults: Fault[] } {
  if (password_hash === undefined) return { stored: null, faults: [] };
  const path = "password_hash";
  if (password !== undefined) {
    const message = "Send either `password` or `password_hash`, not both.";
    return { stored: null, faults: [{ path, code: "invalid_value", message }] };
  }
  const read = toStoredHash(password_hash, parameters);
  if ("fault" in read) return { stored: null, faults: [{ path, ...read.fault }] };
  return { stored: read.stored, faults: [] };
}

function findTimeFaults({ now }: Acting, { created_at }: ImportRow): Fault[] {
  if (created_at === undefined || Date.parse(created_at) <= now()) return [];
  const message = "Must not be in the future.";
  return [{ path: "created_at", code: "too_big", message }];
}

/** Why the caller cannot create a user with a role. */
export function findRoleFaults(acting: Acting, grants: Grants, role = DEFAULT_ROLE): Fault[] {
  const permissions = grants.get(role);
  if (!permissions) return [UNKNOWN_ROLE];
  try {
    requirePermissions(acting.actor, toNeeds(role));
    requireCreatable(acting, permissions);
    return [];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return [{ path: "role", code: "not_permitted", message: error.detail }];
  }
}

async function findPasswordFaultsOf(
  acting: Acting,
  row: ImportRow,
  passwords: number,
): Promise<Fault[]> {
  if (row.password !== undefined && passwords > MAX_PASSWORDS) {
    const message = `Only ${MAX_PASSWORDS} rows of a call can have a password. Send this one in another call.`;
    return [{ path: "password", code: "too_many", message }];
  }
  return findPasswordFaults(acting, row.password, row, "password");
}

/** An id that the same row has whenever the same caller sends it with the same key: a UUIDv8 (RFC 9562 section 5.8). */
async function deriveId({ actor, config }: Acting, parts: readonly unknown[]): Promise<string> {
  const caller = actor.type === "user" ? actor.userId : actor.keyId;
  const message = JSON.stringify([caller, ...parts]);
  const mac = await computeMac(firstKey(config.macKeys), "import v1", message);
  const bytes = mac.slice(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return idFromBytes(bytes) ?? newId();
}

async function createDraft(
  { config, now }: Acting,
  {
    id,
    row,
    index,
    hash,
    input,
  }: { id: string; row: ImportRow; index: number; hash: string | null; input: unknown },
): Promise<Draft> {
  const username = row.username ?? toUsername(row.email);
  const { password } = row;
  return {
    index,
    isRenamable: row.username === undefined,
    profile: row.profile && toNewProfile(row.profile),
    size: JSON.stringify(input).length,
    row: {
      id,
      dataKey: await mintDataKey(id, config.dataKeys),
      username,
      usernameKey: toComparisonKey(username),
      email: row.email,
      emailKey: toComparisonKey(row.email),
      emailVerified: row.email_verified ?? false,
      passwordHash: password === undefined ? hash : await hashPassword(password, config.password),
      firstName: blankToNull(row.first_name),
      lastName: blankToNull(row.last_name),
      role: row.role ?? DEFAULT_ROLE,
      isActive: row.is_active ?? true,
      version: 1,
      createdAt: row.created_at === undefined ? now() : Date.parse(row.created_at),
      updatedAt: now(),
      lastLoginAt: null,
      deletedAt: null,
      registeredDay: null,
    },
  };
}

// The part before the @, with `_` for what a username cannot contain.
function toUsername(email: string): string {
  const [local = ""] = email.split("@", 1);
  const name = local.replaceAll(/[^A-Za-z0-9_.-]/g, "_").slice(0, MAX_USERNAME_LENGTH);
  return name.padEnd(3, "_");
}

/** The same user with a random suffix to the username. It is not renamed again. */
export function rename(draft: Draft): Draft {
  const suffix = crypto.randomUUID().slice(0, SUFFIX_CHARACTERS);
  const base = draft.row.username.slice(0, MAX_USERNAME_LENGTH - SUFFIX_CHARACTERS - 1);
  const username = `${base}-${suffix}`;
  const row = { ...draft.row, username, usernameKey: toComparisonKey(username) };
  return { ...draft, row, isRenamable: false };
}
