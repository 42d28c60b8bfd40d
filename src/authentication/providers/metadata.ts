import { type AuthorizationServer, discoveryRequest, processDiscoveryResponse } from "oauth4webapi";
import type { Context, ProviderDocument } from "../../context.ts";
import type { Provider } from "../../lib/login-provider.ts";
import { isProviderUrl } from "../../lib/login-provider-settings.ts";
import { DAY, HOUR } from "../../lib/time.ts";
import { describeError } from "../../platform/logger.ts";
import { findDocument, isYounger, keepDocument } from "./documents.ts";
import { ProviderFailure } from "./failure.ts";
import { requestOptions } from "./requests.ts";

/** How long metadata is used without asking the provider. */
const FRESH_MS = HOUR;
/** How long it is used while the provider does not answer. */
const STALE_MS = DAY;

/** Signatures that anyone can verify with the provider's public keys. Without `none` and HMACs. */
const SIGNATURES: readonly string[] = [
  ..."RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519".split(" "),
];

const ENDPOINTS = [
  "authorization_endpoint",
  "token_endpoint",
  "jwks_uri",
  "userinfo_endpoint",
] as const;
const REQUIRED = ["authorization_endpoint", "token_endpoint", "jwks_uri"] as const;

/**
 * The metadata of an OpenID provider (OpenID Connect Discovery 1.0), from memory, KV, or the provider: at most an hour old, or a day
 * while the provider does not answer. All addresses in it are allowed. Throws `ProviderFailure`.
 */
export async function findMetadata(ctx: Context, provider: Provider): Promise<AuthorizationServer> {
  const key = `provider:metadata:${provider.authority}`;
  const known = await findDocument(ctx, key, FRESH_MS);
  const usable = known && isUsable(ctx, provider, known.content) ? known : undefined;
  if (usable && isYounger(ctx, usable, FRESH_MS)) return toServer(usable);
  try {
    requireNoRecentFailure(ctx, key);
    const content = await fetchMetadata(ctx, provider).catch((error: unknown) => {
      ctx.memory.failedProviders.set(key, true, ctx.now());
      throw error;
    });
    keepDocument(ctx, key, { content, fetchedAt: ctx.now() }, STALE_MS);
    return toServer({ content });
  } catch (error) {
    if (!usable || !isYounger(ctx, usable, STALE_MS)) throw error;
    ctx.log("warn", "provider.metadata_stale", { provider: provider.id, ...describeError(error) });
    return toServer(usable);
  }
}

// Everyone can start a login. One request in five seconds is enough to see whether the provider answers again.
function requireNoRecentFailure({ memory, now }: Context, key: string): void {
  if (!memory.failedProviders.get(key, now())) return;
  throw new ProviderFailure("temporarily_unavailable", "failed_recently");
}

async function fetchMetadata(ctx: Context, provider: Provider): Promise<AuthorizationServer> {
  const response = await discoveryRequest(new URL(provider.authority), requestOptions(ctx));
  const metadata = await processDiscoveryResponse(new URL(provider.issuer), response);
  if (isUsable(ctx, provider, metadata)) return metadata;
  throw new ProviderFailure("server_error", "unusable_metadata");
}

// Also asked of what KV has, because the settings may have changed since.
function isUsable(
  { config }: Context,
  { issuer }: Provider,
  metadata: Readonly<Record<string, unknown>>,
): boolean {
  const isProduction = config.environment === "production";
  const isAllowed = (address: unknown) =>
    typeof address === "string" && isProviderUrl(address, isProduction);
  return (
    URL.canParse(String(metadata.issuer)) &&
    new URL(String(metadata.issuer)).href === new URL(issuer).href &&
    REQUIRED.every((name) => metadata[name] !== undefined) &&
    ENDPOINTS.every((name) => metadata[name] === undefined || isAllowed(metadata[name]))
  );
}

// A copy, because oauth4webapi remembers keys by the object.
function toServer({ content }: Pick<ProviderDocument, "content">): AuthorizationServer {
  const metadata = content as unknown as AuthorizationServer;
  const listed = metadata.id_token_signing_alg_values_supported;
  const algorithms = Array.isArray(listed) ? listed : ["RS256"];
  return {
    ...metadata,
    id_token_signing_alg_values_supported: algorithms.filter((name) => SIGNATURES.includes(name)),
  };
}
