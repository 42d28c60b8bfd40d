import type { z } from "@hono/zod-openapi";
import type { ProfileValues } from "./repository.ts";
import type { Profile } from "./schema.ts";

/** A profile as the API shows it, field by field. */
export function presentProfile(values: ProfileValues): z.infer<typeof Profile> {
  return {
    display_name: values.displayName,
    bio: values.bio,
    avatar_url: values.avatarUrl,
    phone: values.phone,
    locale: values.locale,
    timezone: values.timezone,
    metadata: JSON.parse(values.metadata) as Record<string, unknown>,
  };
}
