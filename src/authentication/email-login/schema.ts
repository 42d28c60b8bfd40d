import { z } from "@hono/zod-openapi";
import { Locale } from "../../accounts/profiles/schema.ts";
import { fault, MAX_TOKEN_LENGTH, opaqueText } from "../../http/fields.ts";
import { Email } from "../../http/identifiers.ts";
import { OneTimeToken } from "../one-time-tokens/schema.ts";
import { StaySignedIn } from "../sessions/schema.ts";

const LoginToken = opaqueText(MAX_TOKEN_LENGTH).openapi({ example: "rel_k3Zt…" });

export const RequestEmailLogin = z
  .strictObject({
    email: Email.openapi({ description: "The address of the account." }),
    locale: Locale.optional().openapi({
      description: "The language of the email, if emails are written in it.",
    }),
  })
  .openapi("RequestEmailLogin", { example: { email: "ada@example.com" } });
export type RequestEmailLogin = z.infer<typeof RequestEmailLogin>;

export const PendingEmailLogin = z
  .object({
    login_token: LoginToken.openapi({
      description: "Send it with the code. It tells nobody whether an email was sent.",
    }),
    expires_in: z.int().openapi({
      description: "The seconds until the code expires.",
      example: 600,
    }),
  })
  .openapi("PendingEmailLogin");

export const VerifyEmailLogin = z
  .strictObject({
    token: OneTimeToken.optional(),
    login_token: LoginToken.optional(),
    code: opaqueText(64).optional().openapi({
      description:
        "The six digits from the email. Any other text is refused as a wrong code (401), not as invalid input (422).",
      example: "492039",
    }),
    stay_signed_in: StaySignedIn,
  })
  .refine(
    ({ token, login_token, code }) =>
      token === undefined
        ? login_token !== undefined && code !== undefined
        : login_token === undefined && code === undefined,
    {
      ...fault("token_or_code", "Send either `token`, or `login_token` and `code`."),
      path: ["token"],
      when: ({ value }) => value instanceof Object && !Array.isArray(value),
    },
  )
  .openapi("VerifyEmailLogin", {
    description: "The token from the link, or the code with the `login_token` of the request.",
    oneOf: [{ required: ["token"] }, { required: ["login_token", "code"] }],
    example: { login_token: "rel_k3Zt…", code: "492039" },
  });
export type VerifyEmailLogin = z.infer<typeof VerifyEmailLogin>;

/** A login that waits for its code. */
export interface PendingLogin {
  loginToken: string;
  expiresInSeconds: number;
}

/** The response to a request to log in by email. */
export function presentPendingLogin(pending: PendingLogin): z.infer<typeof PendingEmailLogin> {
  return { login_token: pending.loginToken, expires_in: pending.expiresInSeconds };
}
