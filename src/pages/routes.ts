import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { etag } from "hono/etag";
import { AppError } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { refuseQuery } from "../http/validation.ts";
import { LINK_PATHS } from "../outbox/templates.ts";
import { fetchFile, serveHashed } from "./files.ts";
import { pageHeaders } from "./headers.ts";
import { describeService } from "./settings.ts";

/**
 * Mounts the pages of Roster itself: the console, the account page, and the targets of links in emails. They are static files that call
 * the API, and no operations of it. A page runs in the browser and reads its path there, so every path below it has the same file.
 *
 * A query is ignored, unlike elsewhere: a login with a provider ends at `/account/callback?code=…`, and mail programs add parameters to
 * links. A person should see the page, not a problem document.
 */
export function mountPages(app: OpenAPIHono<AppEnv>): void {
  app.on("GET", pathsBelow("/console"), pageHeaders, etag(), showPage("console"));
  app.on("GET", pathsBelow("/account"), pageHeaders, etag(), showPage("account"));
  app.on("GET", [...LINK_PATHS], requireOwnLinks, pageHeaders, etag(), showPage("account"));
  app.get("/pages/assets/:file{[\\w.-]+}", refuseQuery, (c) =>
    serveHashed(c, `/pages/assets/${c.req.param("file")}`),
  );
}

function pathsBelow(path: string): string[] {
  return [path, `${path}/`, `${path}/:path{.+}`];
}

// Links in emails lead to the application at MAIL_LINK_URL, if there is one.
const requireOwnLinks: MiddlewareHandler<AppEnv> = async function requireOwnLinks(c, next) {
  const config = c.get("config");
  if (!config.ok) throw new AppError("misconfigured");
  if (!config.config.hasLinkPages) throw new AppError("not_found");
  return next();
};

function showPage(name: "account" | "console") {
  return async function showPage(c: Context<AppEnv>): Promise<Response> {
    const file = await fetchFile(c, `/pages/${name}.html`);
    const settings = describeService(c);
    const page = new HTMLRewriter()
      .on("script#settings", { element: (script) => setContent(script, settings) })
      .transform(file);
    return c.html(await page.text());
  };
}

function setContent(script: Element, json: string): void {
  script.setInnerContent(json, { html: true });
}
