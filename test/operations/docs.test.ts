import { describe, expect, it } from "vitest";
import { ERRORS } from "../../src/errors.ts";
import { send } from "../support/api.ts";
import { createIsolate } from "../support/isolates.ts";

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
      expect(asset.headers.get("Content-Type")).toMatch(/javascript|css|png/);
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

  it("loads the OpenAPI document", async () => {
    expect((await send("/docs/init.js")).text).toContain('url: "/openapi.json"');
    expect((await send("/openapi.json")).status).toBe(200);
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

  it("includes its stylesheet", async () => {
    const style = await send("/docs/errors.css");
    expect(style.status).toBe(200);
    expect(style.headers.get("Content-Type")).toMatch(/^text\/css/);
  });
});
