import { z } from "@hono/zod-openapi";
import { fault } from "../../http/fields.ts";
import { Username } from "../../http/identifiers.ts";
import { FaultEntry } from "../../http/problem.ts";
import { ReplaceProfile } from "../profiles/schema.ts";
import { CreateUser } from "../users/schema.ts";

const MAX_ROWS = 1000;
const MAX_HASH_LENGTH = 512;
const BASE64 = /^[A-Za-z0-9+/_-]{4,200}={0,2}$/;
const BASE64_OR_EMPTY = /^[A-Za-z0-9+/_-]{0,64}={0,2}$/;

const { email, first_name, last_name, role, is_active, password } = CreateUser.shape;

/** One user of an import. */
export const ImportRow = z
  .strictObject({
    email,
    username: Username.optional().openapi({
      description:
        "Without a username, one is derived from the part of the email address before the @, with a suffix if that is taken.",
    }),
    email_verified: z.boolean().optional(),
    first_name,
    last_name,
    role,
    is_active,
    created_at: z.iso
      .datetime({ offset: true })
      .refine((time) => Date.parse(time) >= 0, fault("too_small", "Must be in 1970 or later."))
      .optional()
      .openapi({ example: "2019-03-01T08:00:00Z" }),
    profile: ReplaceProfile.optional(),
    password: password.openapi({
      description: "At most 50 rows of a call can have a password, because hashing takes time.",
    }),
    password_hash: z
      .string()
      .max(MAX_HASH_LENGTH)
      .optional()
      .openapi({
        description:
          "PBKDF2-SHA-256 or PBKDF2-SHA-512 (PHC or passlib), Django's `pbkdf2_sha256$…`, bcrypt, scrypt (PHC), argon2id (PHC), or " +
          "`$firebase-scrypt$<salt>$<hash>`. It is verified at the user's next login, which replaces it.",
        example: "$2b$10$7EqJtq98hPqEX7fNZaFWoOa5hnhtNGRjukMSJvEoTqv2hrTMFFp1a",
      }),
  })
  .openapi("ImportRow");
export type ImportRow = z.infer<typeof ImportRow>;

const HashParameters = z
  .strictObject({
    algorithm: z.literal("SCRYPT").optional(),
    base64_signer_key: z.string().regex(BASE64, "Must be base64."),
    base64_salt_separator: z.string().regex(BASE64_OR_EMPTY, "Must be base64."),
    rounds: z.int().min(1).max(128).openapi({ format: "int32" }),
    mem_cost: z.int().min(1).max(20).openapi({ format: "int32" }),
  })
  .openapi("HashParameters", {
    description: "The password hash parameters of a Firebase project, as its console shows them.",
  });

export const ImportUsers = z
  .strictObject({
    // Rows are validated one by one: one that is invalid is rejected, and does not refuse the others.
    data: z
      .array(z.unknown())
      .min(1)
      .max(MAX_ROWS)
      .openapi({
        type: "array",
        minItems: 1,
        maxItems: MAX_ROWS,
        items: { $ref: "#/components/schemas/ImportRow" },
        example: [{ email: "ada@example.com" }],
      }),
    hash_parameters: HashParameters.optional(),
  })
  .openapi("ImportUsers");
export type ImportUsers = z.infer<typeof ImportUsers>;

export const ImportResult = z
  .object({
    created: z.int().openapi({ description: "The number of users that were created." }),
    rejected: z.int().openapi({ description: "The number of rows that were rejected." }),
    data: z.array(
      z.object({
        index: z.int().openapi({ description: "The position of the row, from 0." }),
        status: z.enum(["created", "rejected"]),
        id: z.uuid().optional().openapi({ description: "The id of the new user." }),
        errors: z.array(FaultEntry).optional().openapi({
          description: "Why the row was rejected: at most 20 entries.",
        }),
      }),
    ),
  })
  .openapi("ImportResult");
export type ImportResult = z.infer<typeof ImportResult>;
