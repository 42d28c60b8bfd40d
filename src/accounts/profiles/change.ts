import { sql } from "drizzle-orm";
import { authorize, findStanding, whereAuthorized } from "../../access/conditions.ts";
import { isSelf, type Principal } from "../../access/principal.ts";
import { requireCovers, requireStanding } from "../../access/require.ts";
import { type Changes, createAuditEvent } from "../../audit/events.ts";
import { ifChanged, insertAuditEvent } from "../../audit/repository.ts";
import type { Context } from "../../context.ts";
import { AppError, invalidField } from "../../errors.ts";
import { mergePatch } from "../../lib/merge-patch.ts";
import { type FoundProfile, findProfile, type ProfileValues, upsertProfile } from "./repository.ts";
import { fitsLimit, type UpdateProfile } from "./schema.ts";

/** Others may keep changing the same profile at the same moment; each round at least one of them gets through. */
const MAX_ROUNDS = 25;

const FIELDS = {
  displayName: "display_name",
  bio: "bio",
  avatarUrl: "avatar_url",
  phone: "phone",
  locale: "locale",
  timezone: "timezone",
  metadata: "metadata",
} as const;

/** A profile as it is kept, and its version: 0 for one that nobody has written yet. */
export interface VersionedProfile {
  values: ProfileValues;
  version: number;
}

/** The profile of a user, or `user_not_found`. */
export async function getProfile(ctx: Context, userId: string): Promise<VersionedProfile> {
  const [found] = await findProfile(ctx.db, userId);
  if (!found) throw new AppError("user_not_found");
  return { values: toProfileValues(found), version: found.version };
}

interface ProfileEdit {
  userId: string;
  ifMatch: ((profile: { id: string; version: number }) => boolean) | undefined;
  /** `replace` clears what the input leaves out; `merge` leaves it as it is (RFC 7396). */
  mode: "replace" | "merge";
  input: UpdateProfile;
}

/**
 * Replaces or changes a profile. Throws `user_not_found`, `version_conflict`, `privilege_escalation`, and `validation_failed`
 * where merged metadata grows too large.
 */
export async function editProfile(
  ctx: Context,
  principal: Principal,
  edit: ProfileEdit,
): Promise<VersionedProfile> {
  const { userId, ifMatch } = edit;
  let [found] = await findProfile(ctx.db, userId);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (!found) throw new AppError("user_not_found");
    if (!isSelf(principal, userId)) requireCovers(principal, found.ownerPermissions);
    if (ifMatch && !ifMatch(found)) throw new AppError("version_conflict");
    const before = toProfileValues(found);
    const after = toEdited(before, edit);
    const changes = describeChange(before, after);
    if (!changes) return { values: before, version: found.version };
    const outcome = await writeProfile(ctx, principal, found, after, changes);
    if (outcome.written) return { values: after, version: outcome.written.version };
    requireStanding(outcome.standing);
    found = outcome.fresh;
  }
  throw new AppError("edit_conflict");
}

async function writeProfile(
  ctx: Context,
  principal: Principal,
  found: FoundProfile,
  values: ProfileValues,
  changes: Changes,
) {
  const isOwn = isSelf(principal, found.id);
  const now = ctx.now();
  const may = authorize(principal, {
    permissions: isOwn ? [] : ["users:update"],
    roles: isOwn ? [] : [sql`(SELECT role FROM users WHERE id = ${found.id})`],
    now,
  });
  const event = await createAuditEvent(ctx, {
    action: "user.updated",
    targetType: "user",
    targetId: found.id,
    personal: { of: found, changes },
  });
  const at = { userId: found.id, version: found.version, now };
  const [[written], , [standing], [fresh]] = await ctx.db.batch([
    upsertProfile(ctx.db, at, values, whereAuthorized(may)),
    insertAuditEvent(ctx.db, event, ifChanged),
    findStanding(ctx.db, may),
    findProfile(ctx.db, found.id),
  ]);
  return { written, standing, fresh };
}

/** What is kept of a profile; an empty one where there is none yet. */
export function toProfileValues(found: FoundProfile): ProfileValues {
  const { displayName, bio, avatarUrl, phone, locale, timezone } = found;
  return { displayName, bio, avatarUrl, phone, locale, timezone, metadata: found.metadata ?? "{}" };
}

function toEdited(before: ProfileValues, { mode, input }: ProfileEdit): ProfileValues {
  const kept: Partial<ProfileValues> = mode === "merge" ? before : {};
  const pick = (given: string | null | undefined, old: string | null | undefined) =>
    given === undefined ? (old ?? null) : given || null;
  const metadata = toMetadata(before, mode, input.metadata);
  if (!fitsLimit(metadata)) {
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

function toMetadata(
  before: ProfileValues,
  mode: ProfileEdit["mode"],
  given: UpdateProfile["metadata"],
): unknown {
  if (mode === "replace" || given === null) return given ?? {};
  const old: unknown = JSON.parse(before.metadata);
  return given === undefined ? old : mergePatch(old, given);
}

function describeChange(before: ProfileValues, after: ProfileValues): Changes | undefined {
  const changes: Record<string, Changes[string]> = {};
  for (const [field, name] of Object.entries(FIELDS) as [keyof typeof FIELDS, string][]) {
    if (before[field] === after[field]) continue;
    changes[`profile.${name}`] = { from: before[field], to: after[field] };
  }
  return Object.keys(changes).length > 0 ? changes : undefined;
}
