import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const CONSOLE = ["/console", "/console/", "/console/users", "/console/users/a%2Fb"];
const ACCOUNT = ["/account", "/account/", "/account/callback"];
const LINKS = ["/verify-email", "/reset-password", "/email-login", "/invitation"];
const PAGES = [...CONSOLE, ...ACCOUNT, ...LINKS];

/** The files that a page loads. */
const filesIn = (text: string) =>
  [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = ""]) => path);

/** What the service tells a page about itself. */
function settingsIn(text: string): unknown {
  const [, json = ""] =
    /<script type="application\/json" id="settings">(.*?)<\/script>/s.exec(text) ?? [];
  return JSON.parse(json);
}

describe("a page", () => {
  it.each(PAGES)("is served at %s", async (path) => {
    const page = await send(path);
    expect(page.status).toBe(200);
    expect(page.headers.get("Content-Type")).toMatch(/^text\/html; charset=utf-8$/i);
    expect(page.headers.get("Cache-Control")).toBe("no-cache");
    expect(page.headers.get("X-Request-Id")).toBeTruthy();
    expect(page.text).toMatch(/^<!doctype html>/i);
    const title = CONSOLE.includes(path) ? "Console" : "Account";
    expect(page.text).toContain(`<title>${title}</title>`);
  });

  it.each([
    "/consoles",
    "/accounts",
    "/verify-email/",
    "/pages",
    "/pages/",
    "/pages/console.html",
    "/pages/console",
  ])("is not served at %s", async (path) => expectProblem(await send(path), 404, "not_found"));

  it.each(["/console", "/account", "/verify-email"])(
    "allows only files of this service at %s: no inline code, no other origin, no markup from text",
    async (path) => {
      const { headers, text } = await send(path);
      const policy = (headers.get("Content-Security-Policy") ?? "").split("; ");
      expect(policy).toEqual([
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
      ]);
      expect(text).not.toMatch(
        /<style|\son\w+=|\sstyle="|<script(?![^>]*(src=|type="application\/json"))/,
      );
    },
  );

  it("may use passkeys and copy texts, and no other feature of the browser", async () => {
    const policy = (await send("/account")).headers.get("Permissions-Policy") ?? "";
    const allowed = policy.split(", ").filter((entry) => !entry.endsWith("=()"));
    expect(allowed).toEqual([
      "publickey-credentials-get=(self)",
      "publickey-credentials-create=(self)",
      "clipboard-write=(self)",
    ]);
    for (const name of ["camera", "microphone", "geolocation", "payment", "usb"]) {
      expect(policy).toContain(`${name}=()`);
    }
  });

  it("has the headers that every response has", async () => {
    const { headers } = await send("/console");
    expect(headers.get("Referrer-Policy")).toBe("no-referrer");
    expect(headers.get("Cross-Origin-Opener-Policy")).toBe("same-origin");
    expect(headers.get("Cross-Origin-Resource-Policy")).toBe("same-origin");
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("X-Frame-Options")).toBe("DENY");
    expect(headers.get("Strict-Transport-Security")).toMatch(/^max-age=63072000/);
    expect(headers.get("Set-Cookie")).toBeNull();
  });

  it("ignores a query, with which logins with a provider come back", async () => {
    const page = await send("/account/callback?code=rxc_x&state=abc&iss=https%3A%2F%2Froster.test");
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/rxc_x|abc/);
    expect((await send("/verify-email?utm_source=mail")).status).toBe(200);
  });

  it("is 304 with the same headers if the browser has the current one", async () => {
    const first = await send("/console");
    const etag = first.headers.get("ETag") ?? "";
    expect(etag).toMatch(/^"[0-9a-f]{40}"$/);
    const again = await send("/console/users", { headers: { "If-None-Match": etag } });
    expect([again.status, again.text]).toEqual([304, ""]);
    const names = ["Content-Security-Policy", "Permissions-Policy", "Cache-Control", "ETag"];
    for (const name of names) expect(again.headers.get(name), name).toBe(first.headers.get(name));
    const bindings = createIsolate({ APP_NAME: "Acme" });
    const changed = await send("/console", { headers: { "If-None-Match": etag }, bindings });
    expect(changed.status).toBe(200);
  });

  it("answers HEAD without a body, and refuses other methods", async () => {
    for (const path of ["/console", "/account/sessions", "/invitation"]) {
      const page = await send(path);
      const head = await send(path, { method: "HEAD" });
      expect([head.status, head.text]).toEqual([200, ""]);
      expect(head.headers.get("ETag")).toBe(page.headers.get("ETag"));
      expect(head.headers.get("Content-Security-Policy")).toContain("trusted-types 'none'");
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        const refused = await send(path, { method });
        expectProblem(refused, 405, "method_not_allowed");
        expect(refused.headers.get("Allow")).toBe("GET, HEAD");
      }
    }
  });

  it("is no operation of the API", async () => {
    const { body } = await send("/openapi.json");
    const own = Object.keys(body.paths).filter((path) =>
      /^\/(console|account|pages|verify)/.test(path),
    );
    expect(own).toEqual([]);
  });

  it("leaves / to /docs", async () => {
    const { headers } = await send("/", { headers: { Accept: "text/html" } });
    expect(headers.get("Location")).toBe("/docs");
  });
});

describe("the settings in a page", () => {
  const settingsOf = async (settings: Record<string, string | undefined>, path = "/account") =>
    settingsIn((await send(path, { bindings: createIsolate(settings) })).text);

  it("say what the service has to offer", async () => {
    expect(await settingsOf({})).toEqual({
      app_name: "Roster",
      registration: true,
      email_login: false,
      passkeys: true,
      password_min_length: 8,
    });
    const other = {
      APP_NAME: "Acme",
      REGISTRATION: "closed",
      EMAIL_LOGIN: "on",
      PASSWORD_MIN_LENGTH: "12",
    };
    const elsewhere = { RP_ID: "example.com", RP_ORIGINS: "https://app.example.com" };
    expect(await settingsOf({ ...other, ...elsewhere }, "/console")).toEqual({
      app_name: "Acme",
      registration: false,
      email_login: true,
      passkeys: false,
      password_min_length: 12,
    });
    expect(await settingsOf({ APP_URL: "https://192.0.2.7" })).toMatchObject({ passkeys: false });
    expect(await settingsOf({ APP_URL: undefined })).toMatchObject({ passkeys: false });
  });

  it("cannot end their element, whatever the name of the product is", async () => {
    const APP_NAME = `</script><script>alert(1)</script><!--"&`;
    const { text } = await send("/console", { bindings: createIsolate({ APP_NAME }) });
    expect(text).not.toContain("<script>alert");
    expect(settingsIn(text)).toMatchObject({ app_name: APP_NAME });
  });

  it("are empty while a setting of the service is wrong, and the page is served", async () => {
    expect(await settingsOf({ MAC_KEYS: undefined })).toEqual({});
  });
});

describe("the targets of links in emails", () => {
  const answers = (settings: Record<string, string | undefined>) =>
    Promise.all(LINKS.map((path) => send(path, { bindings: createIsolate(settings) })));

  it("do not exist if MAIL_LINK_URL names an application, which has them", async () => {
    const settings = { MAIL_LINK_URL: "https://app.acme.example" };
    for (const answer of await answers(settings)) expectProblem(answer, 404, "not_found");
    for (const path of ["/console", "/account"]) {
      expect((await send(path, { bindings: createIsolate(settings) })).status).toBe(200);
    }
  });

  it("exist if MAIL_LINK_URL is this service", async () => {
    const settings = { MAIL_LINK_URL: "https://roster.test/ignored" };
    for (const { status } of await answers(settings)) expect(status).toBe(200);
  });

  it("are 503 while a setting is wrong, because nobody knows whose they are", async () => {
    for (const answer of await answers({ MAC_KEYS: undefined })) {
      expectProblem(answer, 503, "misconfigured");
    }
  });
});

describe("a file of a page", () => {
  it("is served by this worker, and cached for ever under a name that has its hash", async () => {
    for (const page of ["/console", "/account"]) {
      const files = filesIn((await send(page)).text);
      expect(files.length).toBeGreaterThanOrEqual(2);
      for (const path of files) {
        expect(path).toMatch(/^\/pages\/assets\/[\w-]+-[\w]{8,}\.(js|css|svg)$/);
        const file = await send(path);
        expect({ path, status: file.status }).toEqual({ path, status: 200 });
        expect(file.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
        expect(file.headers.get("Content-Type")).toMatch(/javascript|css|svg/);
        expect(file.headers.get("X-Content-Type-Options")).toBe("nosniff");
        expect(file.headers.get("Content-Security-Policy")).toMatch(/^default-src 'none'/);
      }
    }
  });

  it("is 404 if there is none with this name, and is not cached then", async () => {
    const [path = ""] = filesIn((await send("/console")).text);
    for (const other of [
      `${path}/`,
      path.replace(/\.\w+$/, ""),
      "/pages/assets/",
      "/pages/assets/none-00000000.js",
      "/pages/assets/..%2Fconsole.html",
      "/pages/assets/%2e%2e/console.html",
      "/pages/assets//none.js",
    ]) {
      const answer = await send(other);
      expect({ other, status: answer.status }).toEqual({ other, status: 404 });
      expectProblem(answer, 404, "not_found");
      expect(answer.headers.get("Cache-Control"), other).toBe("no-store");
    }
  });

  it("answers HEAD, and refuses other methods", async () => {
    const [path = ""] = filesIn((await send("/console")).text);
    const head = await send(path, { method: "HEAD" });
    expect([head.status, head.text]).toEqual([200, ""]);
    expectProblem(await send(path, { method: "POST" }), 405, "method_not_allowed");
  });

  it("that is missing, because nobody has built the pages, is named in the problem", async () => {
    const ASSETS = { fetch: async () => new Response(null, { status: 404 }) } as unknown as Fetcher;
    const bindings = { ...createIsolate(), ASSETS };
    const answer = await send("/console", { bindings });
    expectProblem(answer, 404, "not_found");
    expect(answer.body.detail).toContain("npm run assets");
    expect(answer.headers.get("Content-Security-Policy")).not.toContain("script-src");
  });
});

describe("a query of a file", () => {
  it("is refused as everywhere", async () => {
    const [path = ""] = filesIn((await send("/console")).text);
    const answer = await send(`${path}?v=1`);
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(["v unknown_field"]);
  });
});

describe("the log line of a page", () => {
  it("has the pattern of its path", async () => {
    const logs = captureLogs();
    for (const path of ["/console", "/console/users/a"]) await send(path);
    const routes = logs.of("request").map(({ route }) => route);
    expect(routes).toEqual(["/console", "/console/:path{.+}"]);
  });
});
