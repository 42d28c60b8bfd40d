import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { etag } from "hono/etag";
import { AppError } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { refuseQuery } from "../http/validation.ts";
import { copyFile, fetchFile, serveHashed } from "./files.ts";
import { guideHeaders } from "./headers.ts";

/** The paths of pages: names in lower case, without a dot, so that none leads out of the folder of the pages. */
const PAGE = /^[a-z0-9-]+(?:\/[a-z0-9-]+)*$/;

/** Mounts the guide, which the build makes of the Markdown files in `docs`. It has no scripts and calls nothing. */
export function mountGuide(app: OpenAPIHono<AppEnv>): void {
  const steps = [refuseQuery, guideHeaders, etag()] as const;
  app.on("GET", ["/docs/guide", "/docs/guide/"], ...steps, (c) =>
    servePage(c, "/guide/index.html"),
  );
  app.get("/docs/guide/assets/:file{[\\w.-]+}", refuseQuery, (c) =>
    serveHashed(c, `/guide/assets/${c.req.param("file")}`),
  );
  app.get("/docs/guide/:page{.+}", ...steps, (c) => {
    const page = c.req.param("page").replace(/\/$/, "");
    if (!PAGE.test(page)) throw new AppError("not_found");
    return servePage(c, `/guide/pages/${page}.html`);
  });
}

async function servePage(c: Context<AppEnv>, path: string): Promise<Response> {
  return copyFile(await fetchFile(c, path));
}
