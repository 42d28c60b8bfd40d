import { describe, expect, it } from "vitest";
import { ERRORS } from "../../src/errors.ts";
import { FAULT_CODES } from "../../src/lib/fault-codes.ts";
import { send } from "../support/api.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const CSP = /^default-src 'none'; script-src 'self'; style-src 'self'/;

describe("GET /docs", () => {
  it("is a page whose assets are all served by this worker", async () => {
    const page = await send("/docs");
    expect(page.status).toBe(200);
    expect(page.headers.get("Content-Type")).toMatch(/^text\/html/);
    const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? "");
    expect(links.length).toBeGreaterThanOrEqual(3);
    for (const link of links) {
      expect(link).toMatch(/^\/docs\//);
      const asset = await send(link);
      expect({ link, status: asset.status }).toEqual({ link, status: 200 });
      expect(asset.headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(asset.headers.get("Content-Type")).toMatch(/javascript|css|png|html/);
      expect(asset.headers.get("X-Request-Id")).toBeTruthy();
    }
  });

  it("allows only its own files: no inline script or style, no other origin", async () => {
    const page = await send("/docs");
    expect(page.headers.get("Content-Security-Policy")).toMatch(CSP);
    expect(page.headers.get("Content-Security-Policy")).not.toMatch(/unsafe|https?:/);
    expect(page.text).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=|style="/);
  });

  it("has the name of the product in its title, escaped", async () => {
    expect((await send("/docs")).text).toContain("<title>Roster API</title>");
    const bindings = createIsolate({ APP_NAME: "A & <B>" });
    for (const path of ["/docs", "/docs/errors"]) {
      const { text } = await send(path, { bindings });
      expect(text).toContain("<title>A &amp; &lt;B&gt; API");
    }
    const misconfigured = createIsolate({ APP_NAME: "" });
    expect((await send("/docs", { bindings: misconfigured })).text).toContain("<title>Roster API");
  });

  it("keeps only the last of two credentials, because operations refuse both at once", async () => {
    const { text } = await send("/docs/init.js");
    expect(text).toMatch(/authorize: .*=> \{\n[^}]*system\.authActions\.logout\(replaced\)/);
    expect(text).toMatch(/plugins: \[keepOneCredential\b/);
  });

  it("loads the OpenAPI document", async () => {
    expect((await send("/docs/init.js")).text).toContain('url: "/openapi.json"');
    expect((await send("/openapi.json")).status).toBe(200);
  });
});

describe("GET /docs/", () => {
  it("is the same page as /docs", async () => {
    const [page, slashed] = [await send("/docs"), await send("/docs/")];
    expect(slashed.status).toBe(200);
    expect(slashed.text).toBe(page.text);
    expect(slashed.headers.get("Content-Security-Policy")).toMatch(CSP);
  });
});

describe("an unknown query parameter", () => {
  it.each(["/docs", "/docs/", "/docs/errors", "/docs/init.js", "/openapi.json", "/"])(
    "is 422 at %s, as everywhere",
    async (path) => {
      const answer = await send(`${path}?url=https://example.com/openapi.json&x=1`);
      expectProblem(answer, 422, "validation_failed");
      expect(faultsOf(answer)).toEqual(["url unknown_field", "x unknown_field"]);
    },
  );
});

describe("GET /openapi.json with If-None-Match", () => {
  it("is 304 without a body if the client has the current document, and 200 otherwise", async () => {
    const first = await send("/openapi.json");
    const etag = first.headers.get("ETag") ?? "";
    expect(etag).toMatch(/^"[0-9a-f]{40}"$/);
    expect(first.headers.get("Content-Type")).toBe("application/json");
    for (const given of [etag, `W/${etag}`, `"0", ${etag}`, "*"]) {
      const headers = { "If-None-Match": given };
      const answer = await send("/openapi.json", { headers });
      expect([answer.status, answer.text, answer.headers.get("ETag")]).toEqual([304, "", etag]);
      expect(answer.headers.get("Cache-Control")).toBe("public, max-age=60");
    }
    const headers = { "If-None-Match": '"0"' };
    expect((await send("/openapi.json", { headers })).text).toBe(first.text);
  });

  it("has the same ETag in every isolate", async () => {
    const { headers } = await send("/openapi.json");
    const other = await send("/openapi.json", { bindings: createIsolate() });
    expect(other.headers.get("ETag")).toBe(headers.get("ETag"));
  });

  it("is readable for pages of an allowed origin when it is 304", async () => {
    const bindings = createIsolate({ CORS_ORIGINS: "https://app.example" });
    const Origin = "https://app.example";
    const first = await send("/openapi.json", { bindings, headers: { Origin } });
    const headers = { Origin, "If-None-Match": first.headers.get("ETag") ?? "" };
    const answer = await send("/openapi.json", { bindings, headers });
    expect(answer.status).toBe(304);
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(Origin);
    expect(answer.headers.get("Access-Control-Expose-Headers")).toContain("ETag");
    expect(answer.headers.get("Vary")).toContain("Origin");
  });
});

describe("GET /docs/errors", () => {
  it("explains every code at the URL in its problem's type", async () => {
    const page = await send("/docs/errors");
    expect(page.status).toBe(200);
    expect(page.headers.get("Content-Security-Policy")).toMatch(CSP);
    for (const [code, [status, title]] of Object.entries(ERRORS)) {
      expect(page.text).toContain(`id="${code}"`);
      expect(page.text).toContain(`${status} ${title}`);
    }
    const { body } = await send("/v1/auth/me");
    const { pathname, hash } = new URL(body.type);
    expect(pathname).toBe("/docs/errors");
    expect(page.text).toContain(`id="${hash.slice(1)}"`);
  });

  it("lists every code of an entry in `errors`", async () => {
    const { text } = await send("/docs/errors");
    for (const code of Object.keys(FAULT_CODES)) expect(text).toContain(`id="errors-${code}"`);
  });

  it("includes its stylesheet", async () => {
    const style = await send("/docs/errors.css");
    expect(style.status).toBe(200);
    expect(style.headers.get("Content-Type")).toMatch(/^text\/css/);
  });
});
