import { describe, expect, it } from "vitest";
import alerts from "../../docs/run/alerts.md?raw";
import { send } from "../support/api.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const files = import.meta.glob<string>("../../docs/**/*.md", {
  query: "?raw",
  import: "default",
  eager: true,
});
const sources = Object.keys(files).map((path) =>
  path.replace("../../docs", "/docs/guide").replace(/\/README\.md$|\.md$/, ""),
);

const CSP =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const linksIn = (html: string) =>
  [...html.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, link = ""]) => link);

describe("a page of the guide", () => {
  it("exists for every Markdown file in docs", async () => {
    expect(sources.length).toBeGreaterThan(50);
    for (const path of sources) {
      const page = await send(path);
      expect({ path, status: page.status }).toEqual({ path, status: 200 });
      expect(page.headers.get("Content-Type"), path).toMatch(/^text\/html/);
      expect(page.text, path).toMatch(/<html lang="en">[\s\S]*<title>[^<]+<\/title>[\s\S]*<h1>/);
    }
  });

  it("loads only files of this worker, and has no script and no inline style", async () => {
    for (const path of ["/docs/guide", "/docs/guide/use/pages", "/docs/guide/reference"]) {
      const { headers, text } = await send(path);
      expect(headers.get("Content-Security-Policy")).toBe(CSP);
      expect(headers.get("Permissions-Policy")).toMatch(/\bcamera=\(\)/);
      expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(headers.get("X-Frame-Options")).toBe("DENY");
      expect(headers.get("Cache-Control")).toBe("no-cache");
      expect(text).not.toMatch(/<script|<style|\sstyle=|\son\w+=|<iframe|<form/);
    }
  });

  it("shows markup of the Markdown as text", async () => {
    const { text } = await send("/docs/guide/use/providers");
    expect(text).toContain("PROVIDER_&lt;ID&gt;_SECRET");
    expect(text).toContain("/v1/auth/providers/&lt;id&gt;/callback");
  });

  it("is the same with and without a slash at the end", async () => {
    for (const path of ["/docs/guide", "/docs/guide/use", "/docs/guide/use/lists"]) {
      const [page, slashed] = [await send(path), await send(`${path}/`)];
      expect(slashed.status).toBe(200);
      expect(slashed.text).toBe(page.text);
      expect(slashed.headers.get("Content-Security-Policy")).toBe(CSP);
    }
  });

  it("is 304 with the same headers if the browser has the current one", async () => {
    const first = await send("/docs/guide/use/lists");
    const etag = first.headers.get("ETag") ?? "";
    expect(etag).toMatch(/^(W\/)?"[\w-]+"$/);
    const headers = { "If-None-Match": etag };
    const again = await send("/docs/guide/use/lists", { headers });
    expect([again.status, again.text]).toEqual([304, ""]);
    for (const name of ["Content-Security-Policy", "Permissions-Policy", "Cache-Control", "ETag"]) {
      expect(again.headers.get(name), name).toBe(first.headers.get(name));
    }
    expect((await send("/docs/guide", { headers })).status).toBe(200);
  });

  it("answers HEAD without a body, and refuses other methods", async () => {
    const head = await send("/docs/guide/use", { method: "HEAD" });
    expect([head.status, head.text]).toEqual([200, ""]);
    for (const method of ["POST", "PUT", "DELETE"]) {
      const refused = await send("/docs/guide/use", { method });
      expectProblem(refused, 405, "method_not_allowed");
      expect(refused.headers.get("Allow")).toBe("GET, HEAD");
    }
  });

  it("can be read while a setting of the service is wrong", async () => {
    const bindings = createIsolate({ MAC_KEYS: undefined });
    expect((await send("/docs/guide/run/configuration", { bindings })).status).toBe(200);
  });

  it("refuses a query, as everywhere", async () => {
    const answer = await send("/docs/guide/use?page=1");
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(["page unknown_field"]);
  });

  it.each([
    "/docs/guide/nothing",
    "/docs/guide/use/nothing",
    "/docs/guide/use/lists.md",
    "/docs/guide/use/lists.html",
    "/docs/guide/index",
    "/docs/guide/pages/use/lists",
    "/docs/guide//use",
    "/docs/guide/use//lists",
    "/docs/guide/use/lists//",
    "/docs/guide/USE",
    "/docs/guide/..%2F..%2Fconsole",
    "/docs/guide/%2e%2e/%2e%2e/pages/console",
    "/docs/guide/use%2Flists%00",
    "/docs/guide/assets/",
    "/docs/guide/assets/none-00000000.css",
    "/docs/guide/assets/..%2Findex.html",
    "/docs/guide/assets/%2e%2e/pages/use.html",
  ])("does not exist at %s", async (path) => {
    const answer = await send(path);
    expectProblem(answer, 404, "not_found");
    expect(answer.headers.get("Content-Security-Policy")).not.toContain("style-src");
  });
});

describe("the links of the guide", () => {
  it("lead from /docs to it, and back", async () => {
    expect(linksIn((await send("/docs")).text)).toContain("/docs/guide");
    expect(linksIn((await send("/docs/errors")).text)).toContain("/docs/guide");
    expect(linksIn((await send("/docs/guide")).text)).toContain("/docs");
  });

  it("lead to files that are cached for ever, under names that have their hash", async () => {
    const files = new Set(
      (await Promise.all(["/docs/guide/use/pages", "/docs/guide/run"].map((path) => send(path))))
        .flatMap(({ text }) => linksIn(text))
        .filter((link) => link.startsWith("/docs/guide/assets/")),
    );
    expect([...files].map((path) => path.split(".").at(-1)).sort()).toEqual(
      expect.arrayContaining(["css", "json", "png", "svg", "yml"]),
    );
    for (const path of files) {
      expect(path).toMatch(/-[0-9a-f]{8}\.\w+$/);
      const file = await send(path);
      expect({ path, status: file.status }).toEqual({ path, status: 200 });
      expect(file.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
    }
  });

  it("lead from an alert to what it means", async () => {
    const { text } = await send("/docs/guide/run/alerts");
    const names = [...alerts.matchAll(/^\| \[(\w+)\]/gm)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) expect(text).toContain(`<h2 id="${name}">`);
  });
});

describe("the log line of the guide", () => {
  it("has the pattern of its path", async () => {
    const logs = captureLogs();
    for (const path of ["/docs/guide", "/docs/guide/use/lists", "/docs/guide/x"]) await send(path);
    const routes = logs.of("request").map(({ route }) => route);
    expect(routes).toEqual(["/docs/guide", "/docs/guide/:path{.+}", "/docs/guide/:path{.+}"]);
  });
});
