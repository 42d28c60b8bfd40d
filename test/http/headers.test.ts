import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { auditOf, createTestUser, newAccount, sqlAll } from "../support/fixtures.ts";
import { captureLogs } from "../support/logs.ts";

const withSettings = (settings: Record<string, string>) => ({ ...env, ...settings }) as typeof env;

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe("X-Request-Id", () => {
  it.each(["abcd1234", "A-b_c-9_Z", "x".repeat(128)])(
    "%s from the client is returned",
    async (id) => {
      const answer = await send("/v1/nothing", { headers: { "X-Request-Id": id } });
      expect(answer.headers.get("X-Request-Id")).toBe(id);
      expect(answer.body.request_id).toBe(id);
    },
  );

  it.each([
    "short12",
    "x".repeat(129),
    "with space1",
    "semi;colon",
    'quote"123',
    "émilie-123",
    "a,b,c,d,e",
    "",
  ])("%s is replaced by a new id", async (id) => {
    const { headers } = await send("/health", { headers: { "X-Request-Id": id } });
    expect(headers.get("X-Request-Id")).toMatch(ID);
  });

  it("from the client is logged beside the service's own id, and not stored", async () => {
    const given = "Jane-Doe-born-1990-01-01";
    const headers = { "X-Request-Id": given };
    const logs = captureLogs();
    const answer = await send("/v1/auth/register", { body: newAccount(), headers });
    expect(answer.headers.get("X-Request-Id")).toBe(given);
    const [line] = logs.of("request");
    expect(line).toMatchObject({ client_request_id: given, request_id: expect.stringMatching(ID) });
    const [event] = await auditOf(answer.body.id);
    expect(event).toMatchObject({ action: "user.created", request_id: line?.request_id });
    const tables = await sqlAll<{ name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    );
    for (const { name } of tables) {
      expect(JSON.stringify(await sqlAll(`SELECT * FROM "${name}"`)), name).not.toContain(given);
    }
  });

  it("is the id in the log and the audit trail if the client sent none", async () => {
    const logs = captureLogs();
    const answer = await send("/v1/auth/register", { body: newAccount() });
    const id = answer.headers.get("X-Request-Id");
    expect(logs.of("request")[0]?.request_id).toBe(id);
    expect(logs.text()).not.toContain("client_request_id");
    expect((await auditOf(answer.body.id))[0]?.request_id).toBe(id);
  });

  it("is unique on every response", async () => {
    const paths = [
      "/health",
      "/v1/nothing",
      "/v1/users",
      "/docs",
      "/openapi.json",
      "/.well-known/jwks.json",
    ];
    const ids = await Promise.all(
      paths.map(async (path) => (await send(path)).headers.get("X-Request-Id")),
    );
    expect(new Set(ids).size).toBe(paths.length);
    expect(ids).not.toContain(null);
  });
});

describe("security headers", () => {
  it("are on every response, including errors and crashes", async () => {
    const crash = faultyBindings({ d1: always, d1Message: "boom" });
    const answers = [
      await send("/health"),
      await send("/v1/nothing"),
      await send("/v1/users", { method: "PUT" }),
      await send("/v1/auth/me"),
      await send("/docs"),
      await send("/openapi.json"),
      await send("/v1/auth/login", { body: { username: "x", password: "y" }, bindings: crash }),
      await send("/v1/users", { bindings: withSettings({ SIGNING_KEYS: "" }) }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 405, 401, 200, 200, 500, 503]);
    for (const { headers } of answers) {
      expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(headers.get("Strict-Transport-Security")).toMatch(/^max-age=\d{8}; includeSubDomains/);
      expect(headers.get("X-Frame-Options")).toBe("DENY");
      expect(headers.get("Referrer-Policy")).toBe("no-referrer");
      expect(headers.get("Content-Security-Policy")).toContain("default-src 'none'");
      expect(headers.get("Content-Security-Policy")).not.toMatch(/unsafe|\*/);
      expect(headers.get("Server")).toBeNull();
      expect(headers.get("X-Powered-By")).toBeNull();
    }
  });
});

describe("CORS", () => {
  /** The headers of responses that clients need. */
  const READABLE = [
    "ETag",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    "X-Request-Id",
    "WWW-Authenticate",
  ];
  const bindings = withSettings({ CORS_ORIGINS: "https://app.example, https://other.example" });
  const from = (Origin: string, more: Record<string, string> = {}) => ({
    headers: { Origin, ...more },
    bindings,
  });
  const preflight = { method: "OPTIONS", "Access-Control-Request-Method": "PATCH" };

  it("lets a listed origin read responses and errors, without cookies", async () => {
    const { token } = await createTestUser();
    for (const path of ["/v1/auth/me", "/v1/nothing", "/v1/users"]) {
      const { headers } = await send(path, { ...from("https://app.example"), token });
      expect(headers.get("Access-Control-Allow-Origin")).toBe("https://app.example");
      expect(headers.get("Access-Control-Allow-Credentials")).toBeNull();
      const exposed = headers.get("Access-Control-Expose-Headers")?.split(/, */);
      expect(exposed).toEqual(expect.arrayContaining(READABLE));
      expect(headers.get("Vary")).toContain("Origin");
    }
  });

  it.each([
    "https://evil.example",
    "https://app.example.evil.example",
    "http://app.example",
    "https://app.example:8443",
    "https://APP.example",
    "null",
    "https://sub.app.example",
  ])("does not let %s read", async (origin) => {
    const answer = await send("/v1/auth/me", from(origin));
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBeNull();
    const { "Access-Control-Request-Method": asked, method } = preflight;
    const ahead = await send("/v1/users/me", {
      ...from(origin, { "Access-Control-Request-Method": asked }),
      method,
    });
    expect(ahead.headers.get("Access-Control-Allow-Origin")).toBeNull();
  });

  it("returns 204 with methods and headers to a listed origin's preflight, without reaching a route", async () => {
    const answer = await send("/v1/users/me", {
      ...from("https://app.example", {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type,if-match",
      }),
      method: "OPTIONS",
    });
    expect(answer.status).toBe(204);
    expect(answer.text).toBe("");
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("https://app.example");
    expect(answer.headers.get("Access-Control-Allow-Methods")).toContain("PATCH");
    const allowed = answer.headers.get("Access-Control-Allow-Headers")?.toLowerCase() ?? "";
    for (const name of ["authorization", "content-type", "if-match", "if-none-match"]) {
      expect(allowed).toContain(name);
    }
  });

  it("allows no origin by default, and every origin without credentials with *", async () => {
    const headers = { Origin: "https://app.example" };
    const closed = await send("/health", { headers });
    expect(closed.headers.get("Access-Control-Allow-Origin")).toBeNull();
    const open = await send("/health", { headers, bindings: withSettings({ CORS_ORIGINS: "*" }) });
    expect(open.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(open.headers.get("Access-Control-Allow-Credentials")).toBeNull();
  });

  it("passes an OPTIONS request that is not a preflight to the routes", async () => {
    const answer = await send("/v1/users", { method: "OPTIONS", bindings });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("Allow")).toContain("POST");
  });
});

describe("Cache-Control", () => {
  it("is no-store with tokens or personal data, private with an ETag, public for public keys", async () => {
    const { token } = await createTestUser("admin");
    const expected: [string, string][] = [
      ["/v1/auth/me", "no-store"],
      ["/v1/users", "no-store"],
      ["/v1/users/me", "private, no-cache"],
      ["/v1/nothing", "no-store"],
      ["/health", "no-store"],
      ["/ready", "no-store"],
    ];
    for (const [path, value] of expected) {
      expect((await send(path, { token })).headers.get("Cache-Control")).toBe(value);
    }
    const keys = await send("/.well-known/jwks.json");
    expect(keys.headers.get("Cache-Control")).toMatch(/^public, max-age=\d+$/);
  });
});

describe("Server-Timing", () => {
  const FORM =
    /^total;dur=[\d.]+, d1;dur=[\d.]+;desc="queries=\d+ rows_read=\d+ rows_written=\d+", kv;dur=[\d.]+;desc="reads=\d+ writes=\d+"$/;

  it("reports the cost of the response if enabled, including errors", async () => {
    expect((await send("/health")).headers.get("Server-Timing")).toMatch(FORM);
    expect((await send("/v1/nothing")).headers.get("Server-Timing")).toMatch(FORM);
  });

  it("is absent if disabled, which is the default", async () => {
    const off = await send("/health", { bindings: withSettings({ SERVER_TIMING: "off" }) });
    expect(off.headers.get("Server-Timing")).toBeNull();
    const { SERVER_TIMING: _, ...unset } = env;
    const silent = await send("/health", { bindings: unset as typeof env });
    expect(silent.headers.get("Server-Timing")).toBeNull();
  });
});
