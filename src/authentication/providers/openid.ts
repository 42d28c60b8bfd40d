import {
  type AuthorizationServer,
  authorizationCodeGrantRequest,
  type Client,
  ClientSecretBasic,
  ClientSecretPost,
  type ExportedJWKSCache,
  getValidatedIdTokenClaims,
  type IDToken,
  type JWKSCacheInput,
  jwksCache,
  processAuthorizationCodeResponse,
  processUserInfoResponse,
  skipStateCheck,
  userInfoRequest,
  validateApplicationLevelSignature,
  validateAuthResponse,
} from "oauth4webapi";
import type { Context } from "../../context.ts";
import type { Provider } from "../../lib/login-provider.ts";
import { MINUTE, SECOND } from "../../lib/time.ts";
import { createClientSecret, readAppleName } from "./apple.ts";
import { findDocument, keepDocument } from "./documents.ts";
import { ProviderFailure } from "./failure.ts";
import { MAX_NAME_LENGTH, type ProviderCallback, type ProviderIdentity } from "./identity.ts";
import { findMetadata } from "./metadata.ts";
import { isAddressOfTenant, requireIssuerOfKey, toTenantIssuer } from "./microsoft.ts";
import { requestOptions } from "./requests.ts";

/** How long the provider's keys are used without asking it: oauth4webapi refuses older ones. */
const KEYS_MS = 5 * MINUTE;
/** OpenID Connect Core section 2. */
const MAX_SUBJECT_LENGTH = 255;

type Claims = Readonly<Record<string, unknown>>;

/**
 * Redeems a callback of an OpenID provider (OpenID Connect Core section 3.1.3): exchanges the code, and checks the ID token with
 * its signature. Throws `ProviderFailure` and errors of oauth4webapi.
 */
export async function redeemOpenId(
  ctx: Context,
  provider: Provider,
  { state, parameters }: ProviderCallback,
): Promise<ProviderIdentity> {
  const server = await findMetadata(ctx, provider);
  const client: Client = { client_id: provider.clientId };
  const options = requestOptions(ctx);
  const response = await authorizationCodeGrantRequest(
    server,
    client,
    await authenticateClient(ctx, provider, server),
    validateAuthResponse(server, client, parameters, skipStateCheck),
    provider.callbackUrl,
    state.codeVerifier,
    options,
  );
  const issuing = { ...server, issuer: await toTenantIssuer(provider, server, response) };
  const tokens = await processAuthorizationCodeResponse(issuing, client, response, {
    expectedNonce: state.nonce,
    requireIdToken: true,
  });
  const claims = getValidatedIdTokenClaims(tokens);
  if (!claims) throw new ProviderFailure("server_error", "no_id_token");
  await checkSignature(ctx, provider, issuing, { response, idToken: tokens.id_token ?? "" });
  requireClaims(provider, claims);
  const token = tokens.access_token;
  const contact = await findContact(ctx, provider, { server: issuing, client, claims, token });
  return {
    issuer: claims.iss,
    subject: claims.sub,
    email: readText(contact.email),
    isEmailVerified: isAddressVerified(provider, contact),
    name: readName(contact) ?? readAppleName(provider, parameters),
    authenticatedAt: claims.auth_time === undefined ? undefined : claims.auth_time * SECOND,
  };
}

async function authenticateClient(ctx: Context, provider: Provider, server: AuthorizationServer) {
  const { credential } = provider;
  if (credential.type === "apple_key") {
    return ClientSecretPost(await createClientSecret(ctx, provider, credential));
  }
  const methods = server.token_endpoint_auth_methods_supported;
  // The default is client_secret_basic (OpenID Connect Discovery section 3).
  const isPost = Array.isArray(methods) && methods.includes("client_secret_post");
  return isPost ? ClientSecretPost(credential.secret) : ClientSecretBasic(credential.secret);
}

// oauth4webapi checks the signature only if it is asked to. It asks for new keys if none has the token's `kid`, once per minute.
async function checkSignature(
  ctx: Context,
  provider: Provider,
  server: AuthorizationServer,
  { response, idToken }: { response: Response; idToken: string },
): Promise<void> {
  const key = `provider:keys:${provider.authority}`;
  const known = await findDocument(ctx, key, KEYS_MS);
  const cache = (
    known ? { jwks: structuredClone(known.content), uat: known.fetchedAt / SECOND } : {}
  ) as JWKSCacheInput;
  const before = cache.uat;
  const options = { ...requestOptions(ctx), [jwksCache]: cache };
  await validateApplicationLevelSignature(server, response, options);
  const { jwks, uat } = cache as ExportedJWKSCache;
  if (uat !== before) {
    const document = { content: { ...jwks }, fetchedAt: uat * SECOND };
    keepDocument(ctx, key, document, KEYS_MS);
  }
  if (provider.kind === "microsoft") requireIssuerOfKey(jwks, idToken, server.issuer);
}

function requireClaims({ clientId }: Provider, { azp, sub }: IDToken): void {
  // oauth4webapi checks it only if there are several audiences (OpenID Connect Core section 3.1.3.7).
  if (azp !== undefined && azp !== clientId) {
    throw new ProviderFailure("server_error", "unexpected_azp");
  }
  // D1 stores all lone surrogates as the same character, so that two people would be one.
  if (sub.length === 0 || sub.length > MAX_SUBJECT_LENGTH || !sub.isWellFormed()) {
    throw new ProviderFailure("server_error", "unusable_sub");
  }
}

interface ContactInput {
  server: AuthorizationServer;
  client: Client;
  claims: IDToken;
  token: string;
}

// Providers may leave the address to the userinfo endpoint (section 5.4). Address and verification come from the same response.
async function findContact(
  ctx: Context,
  { scopes }: Provider,
  { server, client, claims, token }: ContactInput,
): Promise<Claims> {
  const isComplete = claims.email !== undefined || !scopes.includes("email");
  if (isComplete || server.userinfo_endpoint === undefined) return claims;
  const response = await userInfoRequest(server, client, token, requestOptions(ctx));
  // Its signature would not be checked.
  if (response.headers.get("Content-Type")?.startsWith("application/jwt")) {
    throw new ProviderFailure("server_error", "signed_userinfo");
  }
  return processUserInfoResponse(server, client, claims.sub, response);
}

// Some providers send the claim as a text.
function isAddressVerified(provider: Provider, contact: Claims): boolean {
  if (readText(contact.email) === undefined) return false;
  if (provider.kind === "microsoft") return isAddressOfTenant(provider, contact);
  return contact.email_verified === true || contact.email_verified === "true";
}

function readName({ name, given_name, family_name }: Claims): string | undefined {
  const parts = [readText(given_name), readText(family_name)].filter((part) => part !== undefined);
  return (readText(name) ?? readText(parts.join(" ")))?.slice(0, MAX_NAME_LENGTH);
}

function readText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
