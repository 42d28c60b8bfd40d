import {
  allowInsecureRequests,
  type CustomFetchOptions,
  customFetch,
  type HttpRequestOptions,
} from "oauth4webapi";
import type { Context } from "../../context.ts";
import { isProviderUrl } from "../../lib/login-provider-settings.ts";
import { FetchFailed, fetchBounded } from "../../platform/bounded-fetch.ts";
import { correlationHeaders } from "../../platform/correlation.ts";
import { ProviderFailure } from "./failure.ts";

/** Statuses below 500 after which another attempt may succeed: time-out, too many requests. */
const RETRIED_STATUSES: readonly number[] = [408, 429];

/**
 * How oauth4webapi sends its requests to a provider: to allowed addresses only, within bounds (see `fetchBounded`). Throws
 * `ProviderFailure` if the provider does not respond, or says that it cannot.
 */
export function requestOptions(ctx: Context) {
  const isProduction = ctx.config.environment === "production";
  const send = (url: string, init: CustomFetchOptions<string, unknown>) =>
    sendRequest(ctx, url, init as RequestInit);
  return {
    [customFetch]: send,
    // Addresses are checked here, where this machine needs no TLS in development.
    [allowInsecureRequests]: !isProduction,
  } as const satisfies HttpRequestOptions<string, unknown>;
}

/** Sends a request to a provider as `requestOptions` describes. */
export async function sendRequest(ctx: Context, url: string, init: RequestInit): Promise<Response> {
  if (!isProviderUrl(url, ctx.config.environment === "production")) {
    throw new ProviderFailure("server_error", "forbidden_address");
  }
  const headers = new Headers(init.headers);
  // GitHub refuses requests without a User-Agent.
  headers.set("User-Agent", "Roster");
  for (const [name, value] of Object.entries(correlationHeaders(ctx))) headers.set(name, value);
  const response = await fetchBounded(url, { ...init, headers }).catch(refuse);
  const { status } = response;
  if (status >= 500 || RETRIED_STATUSES.includes(status)) {
    throw new ProviderFailure("temporarily_unavailable", `status_${status}`);
  }
  return response;
}

function refuse(error: unknown): never {
  if (!(error instanceof FetchFailed)) throw error;
  const isGarbage = error.reason === "too_large";
  throw new ProviderFailure(
    isGarbage ? "server_error" : "temporarily_unavailable",
    error.reason,
    error,
  );
}
