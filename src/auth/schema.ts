import { z } from "@hono/zod-openapi";
import { MAX_PASSWORD_BYTES } from "../lib/password-policy.ts";
import { Session } from "../sessions/schema.ts";
import { User } from "../users/schema.ts";

const Identifier = z.string().min(1).max(320);

export const Login = z
  .strictObject({
    username: Identifier.optional().openapi({ example: "ada" }),
    email: Identifier.optional().openapi({ example: "ada@example.com" }),
    password: z.string().min(1).max(MAX_PASSWORD_BYTES).openapi({
      format: "password",
      example: "SecurePass123!",
    }),
  })
  .refine(({ username, email }) => (username === undefined) !== (email === undefined), {
    message: "Send a username or an email, not both.",
    path: ["username"],
    params: { code: "username_or_email" },
    when: ({ value }) => typeof value === "object" && value !== null,
  })
  .openapi("Login", { description: "A username or an email, and the password." });
export type Login = z.infer<typeof Login>;

export const Refresh = z
  .strictObject({ refresh_token: z.string().min(1).max(512) })
  .openapi("Refresh");

export const Me = z
  .object({
    user: User,
    permissions: z.array(z.string()).openapi({ example: ["users:read"] }),
    session: Session,
  })
  .openapi("Me");
