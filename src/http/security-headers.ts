import type { MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { AppEnv } from "./app-env.ts";

const API_CSP = "default-src 'none'; frame-ancestors 'none'";

const applyHeaders = secureHeaders({
  strictTransportSecurity: "max-age=63072000; includeSubDomains",
  xFrameOptions: "DENY",
  referrerPolicy: "no-referrer",
  // Browsers of today know none of these, or need none for what this service sends.
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
});

/**
 * Sets security headers on every response (OWASP REST Security Cheat Sheet), and `Cache-Control: no-store` unless the operation has
 * set the header, because most responses contain personal data.
 */
export const securityHeaders: MiddlewareHandler<AppEnv> = async function securityHeaders(c, next) {
  await applyHeaders(c, next);
  const { headers } = c.res;
  if (!headers.has("Content-Security-Policy")) headers.set("Content-Security-Policy", API_CSP);
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
};
