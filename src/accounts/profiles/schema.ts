import { z } from "@hono/zod-openapi";
import { fault, multilineText } from "../../http/fields.ts";
import { PersonName } from "../../http/identifiers.ts";
import { UserIdParam } from "../../http/params.ts";
import { utf8 } from "../../lib/bytes.ts";
import { countCodePoints } from "../../lib/text.ts";
import type { ProfileValues } from "./repository.ts";

const MAX_METADATA_BYTES = 4096;
const MAX_URL_LENGTH = 2048;

/** Without white space, backslashes and, in the authority, credentials. */
const HTTPS_URL = /^[Hh][Tt][Tt][Pp][Ss]:\/\/[^\s\\/?#@]+([/?#][^\s\\]*)?$/;

/** The shape of a BCP 47 language tag and of an IANA time zone name. */
const LANGUAGE_TAG = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/;
const TIME_ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/;

function isLocale(value: string): boolean {
  try {
    return LANGUAGE_TAG.test(value) && Intl.getCanonicalLocales(value).length === 1;
  } catch {
    return false;
  }
}

function isPublicHttpsUrl(text: string): boolean {
  const url = URL.parse(text);
  return HTTPS_URL.test(text) && url?.protocol === "https:" && !url.username && !url.password;
}

function isTimeZone(value: string): boolean {
  try {
    return (
      TIME_ZONE_NAME.test(value) && Boolean(new Intl.DateTimeFormat("en", { timeZone: value }))
    );
  } catch {
    return false;
  }
}

const isShortUrl = (url: string) => countCodePoints(url) <= MAX_URL_LENGTH;
const URL_TOO_LONG = fault(
  "too_long",
  `Must have at most ${MAX_URL_LENGTH} characters, with non-ASCII characters percent-encoded.`,
);

// Normalized by the URL parser, so that the stored text means the same to every client. Percent-encoding can lengthen it, so the
// length is checked as sent and as stored.
const AvatarUrl = z
  .string()
  .refine(isShortUrl, { ...URL_TOO_LONG, abort: true })
  .refine(isPublicHttpsUrl, {
    ...fault("invalid_format", "Must be an https URL without credentials."),
    abort: true,
  })
  .overwrite((text) => URL.parse(text)?.href ?? text)
  .refine(isShortUrl, URL_TOO_LONG)
  .openapi({
    format: "uri",
    maxLength: MAX_URL_LENGTH,
    pattern: HTTPS_URL.source,
    example: "https://images.example/ada.png",
  });

const Phone = z
  .string()
  .regex(/^\+[1-9]\d{6,14}$/, "Must be a phone number in E.164 format, such as +41446681800.")
  .openapi({ example: "+41446681800" });

/** A language, such as that of a profile. */
export const Locale = z
  .string()
  .max(35)
  .refine(isLocale, fault("invalid_format", "Must be a BCP 47 language tag, such as de-CH."))
  .openapi({
    pattern: LANGUAGE_TAG.source,
    example: "de-CH",
    description:
      "A BCP 47 language tag. Emails to the user are in this language if Roster has them in it.",
  });

const TimeZone = z
  .string()
  .max(64)
  .refine(
    isTimeZone,
    fault("invalid_format", "Must be an IANA time zone name, such as Europe/Zurich."),
  )
  .openapi({ pattern: TIME_ZONE_NAME.source, example: "Europe/Zurich" });

// Any JSON object. A recursive schema would overflow the stack on deeply nested input.
const Metadata = z
  .record(z.string(), z.unknown())
  .refine(
    isWithinSizeLimit,
    fault("too_long", `Must have at most ${MAX_METADATA_BYTES} bytes as JSON.`),
  )
  .nullable()
  .openapi({ type: ["object", "null"], additionalProperties: true, example: { theme: "dark" } });

/** True if the metadata is within the size limit. JSON.stringify throws on nesting so deep that it must exceed the limit. */
export function isWithinSizeLimit(metadata: unknown): boolean {
  try {
    return utf8(JSON.stringify(metadata)).byteLength <= MAX_METADATA_BYTES;
  } catch {
    return false;
  }
}

export const ReplaceProfile = z
  .strictObject({
    display_name: PersonName,
    bio: multilineText(2000).nullable(),
    avatar_url: AvatarUrl.nullable(),
    phone: Phone.nullable(),
    locale: Locale.nullable(),
    timezone: TimeZone.nullable(),
    metadata: Metadata,
  })
  .partial()
  .openapi("ReplaceProfile", { description: "Omitted fields are cleared." });

export const UpdateProfile = ReplaceProfile.openapi("UpdateProfile", {
  description:
    "A JSON merge patch (RFC 7396): omitted fields keep their value and null clears a field, also within `metadata`.",
});
export type UpdateProfile = z.infer<typeof UpdateProfile>;

export const ProfileParams = z.strictObject({ id: UserIdParam });

export const Profile = z
  .object({
    display_name: z.string().nullable().openapi({ example: "Ada" }),
    bio: z.string().nullable(),
    avatar_url: z.string().nullable().openapi({ example: "https://images.example/ada.png" }),
    phone: z.string().nullable().openapi({ example: "+41446681800" }),
    locale: z.string().nullable().openapi({ example: "de-CH" }),
    timezone: z.string().nullable().openapi({ example: "Europe/Zurich" }),
    metadata: z
      .record(z.string(), z.unknown())
      .openapi({ type: "object", additionalProperties: true, example: { theme: "dark" } }),
  })
  .openapi("Profile");

/** The profile of a user who has not written one. */
export const EMPTY_PROFILE: ProfileValues = {
  displayName: null,
  bio: null,
  avatarUrl: null,
  phone: null,
  locale: null,
  timezone: null,
  metadata: "{}",
};

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
