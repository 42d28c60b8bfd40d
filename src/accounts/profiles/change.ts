import { sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import { type Acting, read } from "../../access/read.ts";
import { requireManageable } from "../../access/require.ts";
import type { UserRef } from "../../access/target.ts";
import { commit, retryOnConflict } from "../../audit/commit.ts";
import { type Changes, createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError, invalidField } from "../../errors.ts";
import { requireMatch, type VersionTest } from "../../http/etag.ts";
import { mergePatch } from "../../lib/merge-patch.ts";
import type { VersionedProfile } from "./get.ts";
import { type FoundProfile, findProfile, type ProfileValues, upsertProfile } from "./repository.ts";
import { EMPTY_PROFILE, isWithinSizeLimit, type UpdateProfile } from "./schema.ts";

const FIELDS = {
  displayName: "display_name",
  bio: "bio",
  avatarUrl: "avatar_url",
  phone: "phone",
  locale: "locale",
  timezone: "timezone",
  metadata: "metadata",
} as const;

interface ProfileTarget {
  user: UserRef;
  ifMatch: VersionTest;
}

interface ProfileEdit {
  /** `replace` clears omitted fields; `merge` keeps them (RFC 7396). */
  mode: "replace" | "merge";
  input: UpdateProfile;
}

/**
 * Replaces or updates a profile and returns it. An edit that changes nothing writes nothing. Throws `user_not_found`,
 * `privilege_escalation`, `version_conflict`, `edit_conflict`, and `validation_failed` if merged metadata exceeds the size limit.
 */
export async function editProfile(
  ctx: Context,
  target: ProfileTarget,
  edit: ProfileEdit,
): Promise<VersionedProfile> {
  return retryOnConflict(async () => {
    const { acting, before, after } = await planEdit(ctx, target, edit);
    const changes = describeChanges(before, after);
    return changes ? writeProfile(acting, before, after, changes) : before;
  });
}

/**
 * Reads the profile and plans its edit, without changing anything. Throws `user_not_found`, `privilege_escalation`,
 * `version_conflict`, and `validation_failed` if merged metadata exceeds the size limit.
 */
export async function planEdit(ctx: Context, target: ProfileTarget, edit: ProfileEdit) {
  const { acting, profiles } = await read(ctx, { profiles: findProfile(ctx.db, target.user) });
  const [before] = profiles;
  if (!before) throw new AppError("user_not_found");
  requireManageable(acting, before);
  const after = applyEdit(before, edit);
  requireMatch(target.ifMatch, before);
  return { acting, before, after };
}

/** The profile after the edit; undefined if what was read is no longer true. */
async function writeProfile(
  acting: Acting,
  before: FoundProfile,
  after: ProfileValues,
  changes: Changes,
): Promise<VersionedProfile | undefined> {
  const { id: userId, version } = before;
  const role = sql`(SELECT role FROM users WHERE id = ${userId})`;
  const { changed } = await commit(acting, {
    change: upsertProfile(
      acting.db,
      { userId, version, now: acting.now() },
      after,
      whereAuthorized(acting, { on: { userId, role } }),
    ),
    event: await createAuditEvent(acting, {
      action: "user.updated",
      targetType: "user",
      targetId: userId,
      personal: { of: before, changes },
    }),
  });
  const [written] = changed;
  return written && { ...after, id: userId, version: written.version };
}

function applyEdit(before: ProfileValues, { mode, input }: ProfileEdit): ProfileValues {
  const kept: Partial<ProfileValues> = mode === "merge" ? before : {};
  const pick = (given: string | null | undefined, old: string | null | undefined) =>
    given === undefined ? (old ?? null) : given || null;
  const metadata = applyMetadata(before, mode, input.metadata);
  if (!isWithinSizeLimit(metadata)) {
    throw invalidField("metadata", "too_long", "Must have at most 4096 bytes as JSON.");
  }
  return {
    displayName: pick(input.display_name, kept.displayName),
    bio: pick(input.bio, kept.bio),
    avatarUrl: pick(input.avatar_url, kept.avatarUrl),
    phone: pick(input.phone, kept.phone),
    locale: pick(input.locale, kept.locale),
    timezone: pick(input.timezone, kept.timezone),
    metadata: JSON.stringify(metadata),
  };
}

/** The values of a new profile, and what the audit trail records of them. */
export function toNewProfile(input: UpdateProfile): {
  values: ProfileValues;
  changes: Changes | undefined;
} {
  const values = applyEdit(EMPTY_PROFILE, { mode: "replace", input });
  return { values, changes: describeChanges(EMPTY_PROFILE, values) };
}

function applyMetadata(
  before: ProfileValues,
  mode: ProfileEdit["mode"],
  given: UpdateProfile["metadata"],
): unknown {
  if (mode === "replace" || given === null) return given ?? {};
  const old: unknown = JSON.parse(before.metadata);
  return given === undefined ? old : mergePatch(old, given);
}

function describeChanges(before: ProfileValues, after: ProfileValues): Changes | undefined {
  const changes: Record<string, Changes[string]> = {};
  for (const [field, name] of Object.entries(FIELDS) as [keyof typeof FIELDS, string][]) {
    if (before[field] === after[field]) continue;
    changes[`profile.${name}`] = { from: before[field], to: after[field] };
  }
  return Object.keys(changes).length > 0 ? changes : undefined;
}
