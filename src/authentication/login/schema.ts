import { z } from "@hono/zod-openapi";
import { User } from "../../accounts/users/schema.ts";
import { PermissionName } from "../../roles/permissions/schema.ts";
import { CurrentPassword } from "../passwords/rules.ts";
import { Session } from "../sessions/schema.ts";

const Identifier = z.string().min(1).max(320);

export const Login = z
  .strictObject({
    username: Identifier.optional().openapi({ example: "ada" }),
    email: Identifier.optional().openapi({ example: "ada@example.com" }),
    password: CurrentPassword,
  })
  .refine(({ username, email }) => (username === undefined) !== (email === undefined), {
    message: "Send either a username or an email.",
    path: ["username"],
    params: { code: "username_or_email" },
    when: ({ value }) => value instanceof Object && !Array.isArray(value),
  })
  .openapi("Login", {
    description: "A username or an email, and the password.",
    example: { username: "ada", password: "SecurePass123!" },
  });
export type Login = z.infer<typeof Login>;

export const Me = z
  .object({
    user: User,
    permissions: z.array(PermissionName).openapi({ example: ["users:read"] }),
    session: Session,
  })
  .openapi("Me");
