import { z } from "@hono/zod-openapi";
import { fault, opaqueText } from "../../http/fields.ts";
import { pageOf } from "../../http/pagination.ts";
import type { Provider } from "../../lib/login-provider.ts";
import { MAX_REDIRECT_URI_LENGTH } from "../../lib/redirect-uri.ts";

/** The `{id}` of a provider. */
export const ProviderParams = z.object({
  id: z.string().openapi({
    param: { name: "id", in: "path" },
    description: "The id of a login provider.",
    example: "google",
  }),
});

const ListedProvider = z
  .object({
    id: z.string().openapi({ example: "google" }),
    name: z.string().openapi({ description: "For people.", example: "Google" }),
  })
  .openapi("Provider");

export const ProviderPage = pageOf(ListedProvider, "ProviderPage");

export const StartProviderLogin = z
  .strictObject({
    redirect_uri: opaqueText(MAX_REDIRECT_URI_LENGTH).openapi({
      description:
        "Where your application gets the result: an address of the setting LOGIN_REDIRECT_URIS, character by character. The port of a " +
        "loopback address may differ.",
      example: "https://app.example.com/login/callback",
    }),
    code_challenge: z
      .string()
      .regex(
        /^[\w-]{43}$/,
        fault("invalid_format", "Must be the base64url of a SHA-256, 43 characters."),
      )
      .openapi({
        description:
          "The PKCE challenge of your application (RFC 7636, S256): the base64url of the SHA-256 of a random `code_verifier`, which you keep " +
          "for POST /v1/auth/exchange.",
        example: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      }),
    state: z
      .string()
      .regex(
        /^[\x20-\x7e]{1,500}$/,
        fault("invalid_format", "Must have 1 to 500 ASCII characters."),
      )
      .optional()
      .openapi({
        description:
          "Comes back with the result. Compare it with what you sent. Everyone can read it.",
        example: "af0ifjsldkj",
      }),
    login_hint: opaqueText(254).optional().openapi({
      description: "The address or name that the provider may fill in.",
      example: "ada@example.com",
    }),
    intent: z.enum(["login", "link", "step_up"]).openapi({
      description:
        "`login` logs in or registers. `link` adds a way to log in to your account, and `step_up` confirms that it is you: both need an " +
        "access token.",
    }),
  })
  .openapi("StartProviderLogin", {
    example: {
      redirect_uri: "https://app.example.com/login/callback",
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      state: "af0ifjsldkj",
      intent: "login",
    },
  });
export type StartProviderLogin = z.infer<typeof StartProviderLogin>;

export const StartedProviderLogin = z
  .object({
    authorization_url: z.string().openapi({
      format: "uri",
      description: "Send the person's browser there.",
      example:
        "https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=…&state=…",
    }),
    expires_in: z.int().openapi({
      description: "How many seconds the login may take.",
      example: 600,
    }),
  })
  .openapi("StartedProviderLogin");

export function presentProvider({ id, name }: Provider): z.infer<typeof ListedProvider> {
  return { id, name };
}
