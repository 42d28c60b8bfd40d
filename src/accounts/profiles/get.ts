import { read } from "../../access/read.ts";
import type { UserRef } from "../../access/target.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { findProfile, type ProfileValues } from "./repository.ts";

/** A profile with the id of its user and its version, which is 0 until the profile is first written. */
export type VersionedProfile = ProfileValues & { id: string; version: number };

/** The profile of a user. Throws `user_not_found`. */
export async function getProfile(ctx: Context, user: UserRef): Promise<VersionedProfile> {
  const { profiles } = await read(ctx, { profiles: findProfile(ctx.db, user) });
  const [found] = profiles;
  if (!found) throw new AppError("user_not_found");
  return found;
}
