import { z } from "@hono/zod-openapi";
import { User } from "../../accounts/users/schema.ts";
import { fault, opaqueText } from "../../http/fields.ts";
import { PermissionName } from "../../roles/permissions/schema.ts";
import { AuthenticationCredential } from "../passkeys/schema.ts";
import { CurrentPassword } from "../passwords/rules.ts";
import { Session, StaySignedIn } from "../sessions/schema.ts";

const Identifier = opaqueText(320);

export const Login = z
  .strictObject({
    username: Identifier.optional().openapi({ example: "ada" }),
    email: Identifier.optional().openapi({ example: "ada@example.com" }),
    password: CurrentPassword,
    stay_signed_in: StaySignedIn,
  })
  .refine(({ username, email }) => (username === undefined) !== (email === undefined), {
    ...fault("username_or_email", "Send either a username or an email."),
    path: ["username"],
    when: ({ value }) => value instanceof Object && !Array.isArray(value),
  })
  .openapi("Login", {
    description: "A username or an email, and the password.",
    oneOf: [{ required: ["username"] }, { required: ["email"] }],
    example: { username: "ada", password: "SecurePass123!" },
  });
export type Login = z.infer<typeof Login>;

export const PasskeyLogin = z
  .strictObject({ credential: AuthenticationCredential, stay_signed_in: StaySignedIn })
  .openapi("PasskeyLogin");
export type PasskeyLogin = z.infer<typeof PasskeyLogin>;

export const Me = z
  .object({
    user: User,
    permissions: z.array(PermissionName).openapi({ example: ["users:read"] }),
    session: Session,
  })
  .openapi("Me");
