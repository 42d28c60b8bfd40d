import { z } from "@hono/zod-openapi";
import { ApiKey } from "../../api-keys/schema.ts";
import { NewPassword, withPasswordRules } from "../../authentication/passwords/rules.ts";
import { Session } from "../../authentication/sessions/schema.ts";
import { Timestamp, text } from "../../http/fields.ts";
import { PageQuery, pageOf } from "../../http/pagination.ts";
import { UserIdParam } from "../../http/params.ts";
import { normalizeEmail, normalizeUsername } from "../../lib/text.ts";
import { Profile } from "../profiles/schema.ts";

const EMAIL_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const EMAIL_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const EMAIL = new RegExp(
  `^(?=.{1,64}@)${EMAIL_ATOM}(?:\\.${EMAIL_ATOM})*@(?:${EMAIL_LABEL}\\.)+(?!\\d+$)${EMAIL_LABEL}$`,
);

const Username = z
  .string()
  .overwrite(normalizeUsername)
  .min(3, "Must have at least 3 characters.")
  .max(50, "Must have at most 50 characters.")
  .regex(/^[A-Za-z0-9_.-]*$/, "May hold letters, digits, `_`, `.` and `-`.")
  .openapi({
    description: "Unique whatever its case. What was typed is kept for display.",
    example: "ada",
  });

export const Email = z
  .string()
  .overwrite(normalizeEmail)
  .max(254, "Must have at most 254 characters.")
  .regex(EMAIL, "Not an email address.")
  .openapi({ description: "Unique whatever its case.", example: "ada@example.com" });

const Name = text(100).openapi({ example: "Ada" }).nullable();

const Role = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,49}$/, "Not the name of a role.")
  .openapi({ description: "The name of a role.", example: "user" });

const registration = {
  username: Username,
  email: Email,
  password: NewPassword,
  first_name: Name.optional(),
  last_name: Name.optional(),
};

export const RegisterUser = withPasswordRules(z.strictObject(registration), "password").openapi(
  "RegisterUser",
);
export type RegisterUser = z.infer<typeof RegisterUser>;

export const CreateUser = withPasswordRules(
  z.strictObject({ ...registration, role: Role.optional(), is_active: z.boolean().optional() }),
  "password",
).openapi("CreateUser");
export type CreateUser = z.infer<typeof CreateUser>;

export const ReplaceUser = z
  .strictObject({
    username: Username,
    email: Email,
    first_name: Name,
    last_name: Name,
    role: Role,
    is_active: z.boolean(),
  })
  .openapi("ReplaceUser");

export const UpdateUser = ReplaceUser.partial().openapi("UpdateUser");
/** Fields of a user to change; what is absent stays. */
export type UpdateUser = z.infer<typeof UpdateUser>;

export const AssignRole = z.strictObject({ role: Role }).openapi("AssignRole");

export const UserId = z.strictObject({ id: UserIdParam });

const Flag = z
  .enum(["true", "false"])
  .transform((value) => value === "true")
  .openapi({ type: "boolean" });

export const GetUserQuery = z.strictObject({
  deleted: Flag.optional().openapi({
    description: "`true` also finds a deleted user. Needs users:delete.",
  }),
});

export const ListUsersQuery = PageQuery.extend({
  deleted: Flag.optional().openapi({
    description: "`true` lists the deleted users alone. Needs users:delete.",
  }),
});
export type ListUsersQuery = z.infer<typeof ListUsersQuery>;

export const User = z
  .object({
    id: z.uuid().openapi({ example: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11" }),
    username: z.string().openapi({ example: "ada" }),
    email: z.string().openapi({ example: "ada@example.com" }),
    email_verified: z.boolean(),
    first_name: z.string().nullable().openapi({ example: "Ada" }),
    last_name: z.string().nullable().openapi({ example: "Lovelace" }),
    full_name: z.string().nullable().openapi({ example: "Ada Lovelace" }),
    role: z.string().openapi({ example: "user" }),
    is_active: z.boolean(),
    created_at: Timestamp,
    updated_at: Timestamp,
    last_login_at: Timestamp.nullable(),
    deleted_at: Timestamp.nullable(),
  })
  .openapi("User");

export const UserPage = pageOf(User, "UserPage");

const AuditEvent = z
  .object({
    id: z.uuid(),
    action: z.string().openapi({ example: "user.updated" }),
    actor_id: z.string().nullable(),
    actor_type: z.string().openapi({ example: "user" }),
    target_type: z.string().nullable(),
    target_id: z.string().nullable(),
    changes: z
      .record(z.string(), z.object({ from: z.unknown(), to: z.unknown() }).nullable())
      .openapi({ type: "object", additionalProperties: true }),
    ip: z.string().nullable(),
    user_agent: z.string().nullable(),
    request_id: z.string().nullable(),
    created_at: Timestamp,
    erased: z.literal(true).optional().openapi({
      description: "Part of it was about a person who has been erased, and can no longer be read.",
    }),
  })
  .openapi("AuditEvent");

export const UserExport = z
  .object({
    exported_at: Timestamp,
    user: User,
    profile: Profile,
    sessions: z.array(Session.extend({ ended_at: Timestamp.nullable() }).openapi("PastSession")),
    api_keys: z.array(ApiKey),
    mails: z.array(
      z.object({
        kind: z.string().openapi({ example: "verify_email" }),
        address: z.string().openapi({ example: "ada@example.com" }),
        created_at: Timestamp,
        sent_at: Timestamp.nullable(),
      }),
    ),
    audit_events: z.array(AuditEvent),
  })
  .openapi("UserExport");
