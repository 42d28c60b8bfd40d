import { z } from "@hono/zod-openapi";
import { fault, opaqueText } from "../../http/fields.ts";
import { pageOf } from "../../http/pagination.ts";
import type { Provider } from "../../lib/login-provider.ts";
import { MAX_REDIRECT_URI_LENGTH } from "../../lib/redirect-uri.ts";

/** The `{id}` of a provider. */
export const ProviderParams = z.object({
  id: z.string().openapi({
    param: { name: "id", in: "path" },
    description: "A provider.",
    example: "google",
  }),
});

const ListedProvider = z
  .object({
    id: z.string().openapi({ example: "google" }),
    name: z.string().openapi({ example: "Google" }),
  })
  .openapi("Provider");

export const ProviderPage = pageOf(ListedProvider, "ProviderPage");

export const StartProviderLogin = z
  .strictObject({
    redirect_uri: opaqueText(MAX_REDIRECT_URI_LENGTH).openapi({
      description:
        "Where your application gets the result, as in the setting LOGIN_REDIRECT_URIS. `/account/callback` of this service needs no entry.",
      example: "https://app.example.com/login/callback",
    }),
    code_challenge: z
      .string()
      .regex(
        /^[\w-]{43}$/,
        fault("invalid_format", "Must be the base64url of a SHA-256, 43 characters."),
      )
      .openapi({
        description: "The S256 challenge of your `code_verifier` (RFC 7636).",
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
        description: "Comes back with the result. Everyone can read it.",
        example: "af0ifjsldkj",
      }),
    login_hint: opaqueText(254).optional().openapi({
      description: "What the provider may fill in as the name.",
    }),
    intent: z.enum(["login", "link", "step_up"]).openapi({
      description:
        "`login` logs in or registers. `link` adds a way to log in, and `step_up` confirms that it is you: both need an access token.",
      example: "login",
    }),
  })
  .openapi("StartProviderLogin");
export type StartProviderLogin = z.infer<typeof StartProviderLogin>;

export const StartedProviderLogin = z
  .object({
    authorization_url: z.string().openapi({
      format: "uri",
      description: "Send the person's browser there.",
      example: "https://accounts.google.com/o/oauth2/v2/auth?client_id=roster&state=rst_k3Zt",
    }),
    expires_in: z.int().openapi({
      description: "How many seconds the login may take.",
    }),
  })
  .openapi("StartedProviderLogin");

export function presentProvider({ id, name }: Provider): z.infer<typeof ListedProvider> {
  return { id, name };
}
