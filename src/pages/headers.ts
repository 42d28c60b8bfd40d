import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../http/app-env.ts";

/**
 * Allows only files of this worker and requests to it: no inline script or style, no other origin, and no script or markup that is
 * made from text (Trusted Types).
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** Features that the pages use. */
const USED = ["publickey-credentials-get", "publickey-credentials-create", "clipboard-write"];

/** Features that browsers would otherwise allow a page to use or to ask for. */
const UNUSED = [
  "accelerometer",
  "autoplay",
  "browsing-topics",
  "camera",
  "clipboard-read",
  "cross-origin-isolated",
  "display-capture",
  "encrypted-media",
  "fullscreen",
  "gamepad",
  "geolocation",
  "gyroscope",
  "hid",
  "identity-credentials-get",
  "idle-detection",
  "local-fonts",
  "magnetometer",
  "microphone",
  "midi",
  "otp-credentials",
  "payment",
  "picture-in-picture",
  "screen-wake-lock",
  "serial",
  "storage-access",
  "sync-xhr",
  "usb",
  "window-management",
  "xr-spatial-tracking",
];

/** The guide has no scripts. */
const GUIDE_CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const refuseFeatures = (names: readonly string[]) => names.map((name) => `${name}=()`);

/** Sets the headers of a page. */
export const pageHeaders = setPageHeaders(CONTENT_SECURITY_POLICY, [
  ...USED.map((name) => `${name}=(self)`),
  ...refuseFeatures(UNUSED),
]);

/** Sets the headers of a page of the guide. */
export const guideHeaders = setPageHeaders(
  GUIDE_CONTENT_SECURITY_POLICY,
  refuseFeatures([...USED, ...UNUSED]),
);

/**
 * A middleware that sets these policies. A 304 has them, too: browsers replace the headers of the page that they have stored by those of
 * the 304 (RFC 9111 section 4.3.4).
 */
function setPageHeaders(contentPolicy: string, permissions: readonly string[]) {
  const permissionsPolicy = permissions.join(", ");
  const pageHeaders: MiddlewareHandler<AppEnv> = async function pageHeaders(c, next) {
    await next();
    if (!c.res.ok && c.res.status !== 304) return;
    c.header("Content-Security-Policy", contentPolicy);
    c.header("Permissions-Policy", permissionsPolicy);
    c.header("Cache-Control", "no-cache");
  };
  return pageHeaders;
}
