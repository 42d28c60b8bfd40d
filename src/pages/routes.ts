import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";

const PAGES_CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/** Serves the browser pages: the console, a person's own account, and the targets of links in emails. */
export function mountPages(app: OpenAPIHono<AppEnv>): void {
  const show = (file: string) => async (c: Context<AppEnv>) => {
    const asset = await c.env.ASSETS.fetch(new URL(`/pages/${file}`, c.req.url));
    if (!asset.ok) throw new AppError("not_found");
    const config = c.get("config");
    const settings = {
      app_name: config.ok ? config.config.appName : "Roster",
      registration: config.ok && config.config.registrationOpen,
      email_login: config.ok && config.config.hasEmailLogin,
      passkeys: config.ok && config.config.relyingParty !== undefined,
    };
    const json = JSON.stringify(settings).replaceAll("<", "\\u003c");
    c.header("Content-Security-Policy", PAGES_CSP);
    c.header("Cache-Control", "no-cache");
    return c.html((await asset.text()).replace('id="settings">{}', () => `id="settings">${json}`));
  };
  for (const path of ["/console", "/console/*"]) app.get(path, show("console"));
  const account = ["/account", "/account/*"];
  const links = ["/verify-email", "/reset-password", "/email-login", "/invitation"];
  for (const path of [...account, ...links]) app.get(path, show("account"));
  app.get("/pages/assets/*", async (c) => {
    const asset = await c.env.ASSETS.fetch(c.req.raw);
    if (!asset.ok) throw new AppError("not_found");
    const response = new Response(asset.body, asset);
    response.headers.set("Cache-Control", "public, max-age=31536000, immutable");
    return response;
  });
}
