import { z } from "@hono/zod-openapi";
import { opaqueText } from "../../http/fields.ts";

/** As long as a body may be: an access token contains all permissions of its role. */
const MAX_LENGTH = 64 * 1024;

export const Introspect = z
  .strictObject({
    token: opaqueText(MAX_LENGTH).openapi({
      description: "The access token to introspect.",
      example: "eyJhbGciOiJFZERTQSJ9…",
    }),
    token_type_hint: z
      .string()
      .max(50)
      .optional()
      .openapi({ description: "Accepted and ignored (RFC 7662 section 2.1)." }),
  })
  .openapi("Introspect");

const Inactive = z.object({ active: z.literal(false) }).openapi("InactiveToken", {
  description: "The token is invalid or expired, or its session has ended.",
});

const Active = z
  .object({
    active: z.literal(true),
    sub: z.uuid().openapi({ description: "The user's id." }),
    sid: z.uuid().openapi({ description: "The session's id." }),
    username: z.string().openapi({ example: "ada" }),
    role: z.string().openapi({ example: "user" }),
    scope: z.string().openapi({
      description: "The user's permissions, separated by spaces.",
      example: "users:read",
    }),
    iss: z.string().openapi({ example: "https://roster.example" }),
    aud: z.string().openapi({ example: "roster" }),
    iat: z
      .int()
      .openapi({ description: "When the token was issued, in seconds since the Unix epoch." }),
    exp: z
      .int()
      .openapi({ description: "When the token expires, in seconds since the Unix epoch." }),
    token_type: z.literal("Bearer"),
  })
  .openapi("ActiveToken");

export const Introspection = z.union([Active, Inactive]).openapi("Introspection");
export type Introspection = z.infer<typeof Introspection>;
