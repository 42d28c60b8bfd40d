import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { etag } from "hono/etag";
import { AppError } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { refuseQuery } from "../http/validation.ts";
import { copyFile, fetchFile, serveHashed } from "./files.ts";
import { guideHeaders } from "./headers.ts";

/** The paths of pages: names in lower case, without a dot, so that none leads out of the folder of the pages. */
const PAGE = /^[a-z0-9-]+(?:\/[a-z0-9-]+)*$/;
const ASSET = /^assets\/[\w.-]+$/;

/** Mounts the guide, which the build makes of the Markdown files in `docs`. It has no scripts and calls nothing. */
export function mountGuide(app: OpenAPIHono<AppEnv>): void {
  app.on("GET", ["/docs/guide", "/docs/guide/"], refuseQuery, guideHeaders, etag(), (c) =>
    servePage(c, "/guide/index.html"),
  );
  // One pattern for both, because patterns that overlap rule out hono's fast router.
  app.get("/docs/guide/:path{.+}", refuseQuery, serveAsset, guideHeaders, etag(), (c) => {
    const page = c.req.param("path").replace(/\/$/, "");
    if (!PAGE.test(page)) throw new AppError("not_found");
    return servePage(c, `/guide/pages/${page}.html`);
  });
}

const serveAsset: MiddlewareHandler<AppEnv> = async function serveAsset(c, next) {
  const path = c.req.param("path") ?? "";
  return ASSET.test(path) ? serveHashed(c, `/guide/${path}`) : next();
};

async function servePage(c: Context<AppEnv>, path: string): Promise<Response> {
  return copyFile(await fetchFile(c, path));
}
