import type { Context } from "hono";
import type { AppEnv } from "../http/app-env.ts";

/**
 * What the pages know about this service before they ask it, as JSON for an HTML document. The pages have defaults for what is missing,
 * so `{}` while a setting is wrong.
 */
export function describeService(c: Context<AppEnv>): string {
  const result = c.get("config");
  if (!result.ok) return "{}";
  const { appName, appUrl, registrationOpen, hasEmailLogin, relyingParty, password } =
    result.config;
  const origin = appUrl ?? new URL(c.req.url).origin;
  const settings = {
    app_name: appName,
    registration: registrationOpen,
    email_login: hasEmailLogin,
    passkeys: relyingParty?.origins.includes(origin) ?? false,
    password_min_length: password.minLength,
  };
  // No text can end the element.
  return JSON.stringify(settings).replaceAll("<", "\\u003c");
}
