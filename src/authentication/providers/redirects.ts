import type { Context } from "../../context.ts";
import { isAllowedRedirect } from "../../lib/redirect-uri.ts";

/** True if a login with a provider may end at this address: one of `LOGIN_REDIRECT_URIS`, or the page of this service itself. */
export function mayRedirectTo({ config }: Context, redirectUri: string): boolean {
  const { loginRedirectUris, ownRedirectUri } = config;
  return redirectUri === ownRedirectUri || isAllowedRedirect(redirectUri, loginRedirectUris);
}
