import { SwaggerUI } from "@hono/swagger-ui";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { etag, RETAINED_304_HEADERS } from "hono/etag";
import { html, raw } from "hono/html";
import { AppError, ERRORS, type ErrorCode, toPublicCode } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { refuseQuery } from "../http/validation.ts";
import { FAULT_CODES } from "../lib/fault-codes.ts";
import { readAppName } from "./app-name.ts";
import { buildOpenApiDocument } from "./openapi.ts";

/** Allows only files that this worker serves: nothing from other origins, and no inline script or style. */
const DOCS_CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// The page sends every credential that it has, and operations refuse a request with two: the last one entered replaces the others.
//
// To resolve the references of an operation that is opened, Swagger UI processes the whole document, which takes more than a second. It
// is given the operation's path and what that refers to.
const INIT_SCRIPT = `const keepOneCredential = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        authorize: (authorize, system) => (credentials) => {
          const known = system.authSelectors.authorized().keySeq().toArray();
          const replaced = known.filter((name) => !(name in credentials));
          if (replaced.length > 0) system.authActions.logout(replaced);
          return authorize(credentials);
        },
      },
    },
  },
});

const resolveOneOperation = () => ({
  afterLoad() {
    const { resolveSubtree } = this.fn;
    this.fn.resolveSubtree = (document, path, options) =>
      resolveSubtree(path[0] === "paths" ? keepPath(document, path[1]) : document, path, options);
  },
});

function keepPath(document, path) {
  const kept = { ...document, paths: { [path]: document.paths[path] }, components: {} };
  const keepReferred = (value) => {
    if (typeof value !== "object" || value === null) return;
    const [, kind, name] = /^#\\/components\\/([^/]+)\\/([^/]+)$/.exec(value.$ref) ?? [];
    if (kind && !kept.components[kind]?.[name]) {
      const referred = document.components[kind][name];
      kept.components[kind] = { ...kept.components[kind], [name]: referred };
      keepReferred(referred);
    }
    Object.values(value).forEach(keepReferred);
  };
  keepReferred(kept.paths);
  return kept;
}

window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    plugins: [keepOneCredential, resolveOneOperation],
  });
});
`;

const ERRORS_STYLE = `body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 48rem; padding: 0 1rem; }
h2 { font-family: ui-monospace, monospace; font-size: 1rem; margin: 2rem 0 0; }
p { margin: 0; }
`;

/** A 304 needs the CORS headers of the full response: without them, a browser hides it from pages of other origins. */
const revalidate = etag({
  retainedHeaders: [
    ...RETAINED_304_HEADERS,
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
  ],
});

/** Mounts the OpenAPI document, the docs page with its assets, and the page that explains every error code. */
export function mountDocs(app: OpenAPIHono<AppEnv>): void {
  let document: string | undefined;
  const showDocs = (c: Context<AppEnv>) => {
    c.header("Content-Security-Policy", DOCS_CSP);
    return c.html(renderDocsPage(readAppName(c)));
  };
  const showErrors = (c: Context<AppEnv>) => {
    c.header("Content-Security-Policy", DOCS_CSP);
    return c.html(renderErrorsPage(readAppName(c)));
  };
  const showDocument = (c: Context<AppEnv>) => {
    document ??= JSON.stringify(buildOpenApiDocument(app));
    return c.body(document, 200, {
      "Content-Type": "application/json",
      "Cache-Control": "public, max-age=60",
    });
  };
  app.get("/openapi.json", refuseQuery, revalidate, showDocument);
  app.get("/docs", refuseQuery, showDocs);
  app.get("/docs/", refuseQuery, showDocs);
  app.get("/docs/errors", refuseQuery, showErrors);
  app.get("/docs/init.js", refuseQuery, (c) =>
    c.body(INIT_SCRIPT, 200, { "Content-Type": "text/javascript" }),
  );
  app.get("/docs/errors.css", refuseQuery, (c) =>
    c.body(ERRORS_STYLE, 200, { "Content-Type": "text/css" }),
  );
  app.get("/docs/assets/*", async (c) => {
    const asset = await c.env.ASSETS.fetch(c.req.raw);
    if (asset.status === 404) throw new AppError("not_found");
    return new Response(asset.body, asset);
  });
}

function renderDocsPage(appName: string) {
  const page = SwaggerUI({
    url: "/openapi.json",
    baseUrl: "/docs/assets",
    manuallySwaggerUIHtml: ({ css, js }) => {
      const styles = css.map((url) => `<link rel="stylesheet" href="${url}">`);
      const scripts = [...js, "/docs/init.js"].map((url) => `<script src="${url}" defer></script>`);
      return [...styles, ...scripts, '<div id="swagger-ui"></div>'].join("\n");
    },
  });
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${appName} API</title>
<link rel="icon" href="/docs/assets/swagger-ui-dist/favicon-32x32.png">
</head>
<body>
<p><a href="/docs/guide">Guide</a> · <a href="/docs/errors">Error codes</a></p>
${raw(page)}
</body>
</html>`;
}

function renderErrorsPage(appName: string) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${appName} API: errors</title>
<link rel="icon" href="/docs/assets/swagger-ui-dist/favicon-32x32.png">
<link rel="stylesheet" href="/docs/errors.css">
</head>
<body>
<h1>Errors</h1>
<p>Every error response is a problem document (RFC 9457). The meaning of a code never changes.</p>
<p><a href="/docs">API</a> · <a href="/docs/guide">Guide</a></p>
${Object.entries(ERRORS).map(
  ([code, [status, title, detail]]) =>
    html`<h2 id="${code}">${toPublicCode(code as ErrorCode)}</h2><p>${status} ${title}. ${detail}</p>`,
)}
<h1 id="errors">Entries of errors</h1>
<p>A 422 response lists every problem of the request in <code>errors</code>, each with one of these codes.</p>
${Object.entries(FAULT_CODES).map(
  ([code, meaning]) => html`<h2 id="errors-${code}">${code}</h2><p>${meaning}</p>`,
)}
</body>
</html>`;
}
