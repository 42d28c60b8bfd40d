import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, newAccount, sqlAll } from "../support/fixtures.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const JSON_TYPE = { "Content-Type": "application/json" };
const LIMIT = 64 * 1024;
/** How much of a body that was refused is read and discarded. */
const MAX_DRAINED = 8 * 1024 * 1024;

const register = (raw: BodyInit, headers: Record<string, string> = JSON_TYPE) =>
  send("/v1/auth/register", { method: "POST", raw, headers });

/** A valid body, padded with whitespace to `size` bytes. */
function bodyOf(size: number): string {
  return JSON.stringify(newAccount()).padEnd(size, " ");
}

function inChunks(text: string, size = 1000): ReadableStream {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.byteLength) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

describe("a body", () => {
  it("of 64 KiB is accepted and one more byte returns 413, with Content-Length and chunked", async () => {
    expect((await register(bodyOf(LIMIT))).status).toBe(201);
    expectProblem(await register(bodyOf(LIMIT + 1)), 413, "payload_too_large");
    expect((await register(inChunks(bodyOf(LIMIT)))).status).toBe(201);
    expectProblem(await register(inChunks(bodyOf(LIMIT + 1))), 413, "payload_too_large");
  });

  it("that never ends returns 413, once 8 MiB of it was discarded", async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 4096;
        controller.enqueue(new Uint8Array(4096).fill(0x20));
      },
    });
    expectProblem(await register(endless), 413, "payload_too_large");
    expect(sent).toBeLessThan(MAX_DRAINED + 4 * LIMIT);
  });

  it("with a Content-Length above 8 MiB returns 413 before it is read", async () => {
    let pulled = 0;
    const unread = new ReadableStream(
      {
        pull(controller) {
          pulled += 1;
          controller.enqueue(new Uint8Array(10));
        },
      },
      { highWaterMark: 0 },
    );
    const headers = { ...JSON_TYPE, "Content-Length": String(MAX_DRAINED + 1) };
    expectProblem(await register(unread, headers), 413, "payload_too_large");
    expect(pulled).toBe(0);
  });

  it("with a Content-Length shorter than its content is counted as it arrives", async () => {
    const headers = { ...JSON_TYPE, "Content-Length": "10" };
    expectProblem(await register(inChunks(bodyOf(LIMIT + 1)), headers), 413, "payload_too_large");
  });

  it("that is too large returns 401 to a caller without credentials", async () => {
    const answer = await send("/v1/users", { raw: bodyOf(LIMIT + 1), headers: JSON_TYPE });
    expectProblem(answer, 401, "unauthenticated");
  });

  it.each(["null", "[]", "[{}]", '"text"', "7", "true"])("of %s returns 422", async (raw) => {
    for (const path of ["/v1/auth/register", "/v1/auth/login", "/v1/auth/refresh"]) {
      const answer = await send(path, { raw, headers: JSON_TYPE });
      expectProblem(answer, 422, "validation_failed");
    }
  });

  it("that is empty or missing returns 422 naming the required fields, whatever its type", async () => {
    for (const headers of [JSON_TYPE, {}, { "Content-Type": "text/plain" }]) {
      const answer = await send("/v1/auth/refresh", { method: "POST", headers });
      expectProblem(answer, 422, "validation_failed");
      expect(faultsOf(answer)).toEqual(["refresh_token required"]);
    }
  });

  it("nested 10,000 levels deep returns 422 without a crash", async () => {
    const depth = 10_000;
    const deep = "[".repeat(depth) + "]".repeat(depth);
    const objects = `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
    for (const value of [deep, objects]) {
      expectProblem(await register(`{"username":${value}}`), 422, "validation_failed");
      expectProblem(await register(value), 422, "validation_failed");
      expectProblem(await register(`{"x":${value}}`), 422, "validation_failed");
    }
  });

  it.each(["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"])(
    "with the key %s returns 422 without prototype pollution",
    async (key) => {
      const text = JSON.stringify(newAccount()).slice(0, -1);
      const answer = await register(`${text},"${key}":{"role":"admin","is_active":true}}`);
      expectProblem(answer, 422, "validation_failed");
      expect(faultsOf(answer)).toEqual([`${key} unknown_field`]);
      expect(({} as Record<string, unknown>).role).toBeUndefined();
    },
  );

  it("with a duplicate key is validated by the value that is used", async () => {
    const text = JSON.stringify(newAccount()).slice(0, -1);
    const name = `twice${Date.now()}`;
    const answer = await register(`${text},"username":"a!","username":"${name}"}`);
    expect(answer.body.username).toBe(name);
    const bad = JSON.stringify(newAccount()).slice(0, -1);
    expectProblem(await register(`${bad},"username":"a!"}`), 422, "validation_failed");
  });

  it("with a byte order mark is accepted", async () => {
    expect((await register(`\uFEFF${JSON.stringify(newAccount())}`)).status).toBe(201);
  });

  it("with 10,000 unknown fields returns 422", async () => {
    const fields = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`f${i}`, 1]));
    expectProblem(await send("/v1/auth/register", { body: fields }), 422, "validation_failed");
  });

  it("with a password of 1 MB returns 413 and of 60 KB 422, and neither is hashed", async () => {
    const long = (length: number) =>
      send("/v1/auth/register", { body: newAccount({ password: "x".repeat(length) }) });
    expectProblem(await long(1_000_000), 413, "payload_too_large");
    expect(faultsOf(await long(60_000))).toEqual(["password too_long"]);
  });

  it.each(["username", "email", "password", "first_name"])(
    "with a lone surrogate in %s returns 422",
    async (field) => {
      const text = JSON.stringify(newAccount({ [field]: "REPLACE" }));
      for (const surrogate of ["\\ud800", "\\udc00", "\\udfff\\ud800"]) {
        const answer = await register(text.replace("REPLACE", `Abcdefgh1${surrogate}`));
        expectProblem(answer, 422, "validation_failed");
        expect(faultsOf(answer)[0]).toMatch(new RegExp(`^${field} `));
      }
    },
  );

  it.each(["username", "email", "first_name"])("with NUL in %s returns 422", async (field) => {
    const answer = await send("/v1/auth/register", {
      body: newAccount({ [field]: "ab\u0000cd@example.com" }),
    });
    expectProblem(answer, 422, "validation_failed");
  });

  it("of a refused registration creates no user", async () => {
    const account = newAccount({ role: "admin" });
    expectProblem(await send("/v1/auth/register", { body: account }), 422, "validation_failed");
    expect(await sqlAll("SELECT id FROM users WHERE email_key = ?", account.email)).toEqual([]);
  });

  it("that is not a JSON object never reaches a handler past its guard", async () => {
    const { token } = await createTestUser();
    for (const raw of ["{", "null", "[]"]) {
      const answer = await send("/v1/users", { raw, headers: JSON_TYPE, token });
      expectProblem(answer, 403, "forbidden");
    }
  });
});

describe("a missing body", () => {
  it("of a PUT or PATCH returns 422 and changes nothing, whatever its type", async () => {
    const { id, token } = await createTestUser();
    const profile = { display_name: "Ada", metadata: { theme: "dark" } };
    await send("/v1/users/me/profile", { method: "PUT", token, body: profile });
    for (const headers of [JSON_TYPE, {}, { "Content-Type": "text/plain" }]) {
      for (const [method, path] of [
        ["PUT", "/v1/users/me/profile"],
        ["PATCH", "/v1/users/me/profile"],
        ["PATCH", "/v1/users/me"],
      ] as const) {
        const answer = await send(path, { method, token, headers });
        expectProblem(answer, 422, "validation_failed");
        expect(faultsOf(answer)).toEqual([" required"]);
      }
    }
    expect((await send("/v1/users/me/profile", { token })).body).toMatchObject(profile);
    expect(await sqlAll("SELECT version FROM profiles WHERE user_id = ?", id)).toEqual([
      { version: 1 },
    ]);
  });

  it("is unlike an empty object, which changes nothing", async () => {
    const { token } = await createTestUser();
    for (const path of ["/v1/users/me/profile", "/v1/users/me"]) {
      expect((await send(path, { method: "PATCH", token, body: {} })).status).toBe(200);
    }
  });
});

describe("a body that cannot be read", () => {
  const broken = () =>
    new ReadableStream({
      pull(controller) {
        controller.error(new Error("invalid HTTP chunk size; text = secret-part"));
      },
    });

  it("returns 400 unreadable_body and is logged as the client's fault, without its text", async () => {
    const logs = captureLogs();
    expectProblem(await register(broken()), 400, "unreadable_body");
    expect(logs.of("request.failed")).toEqual([]);
    const [line] = logs.of("request.body_unreadable");
    expect(line).toMatchObject({ level: "info", error: "Error" });
    expect(line?.stack).not.toEqual([]);
    expect(logs.text()).not.toContain("secret-part");
  });

  it("returns 401 to a caller without credentials", async () => {
    const answer = await send("/v1/users", { raw: broken(), headers: JSON_TYPE });
    expectProblem(answer, 401, "unauthenticated");
  });
});

describe("a body that is answered before it is read", () => {
  it.each([
    ["401", "/v1/users", "POST", 401],
    ["404", "/v1/nothing", "POST", 404],
    ["405", "/v1/auth/me", "PUT", 405],
    ["413", "/v1/auth/register", "POST", 413],
  ])(
    "with %s is read to its end, so that the connection stays usable",
    async (_, path, method, status) => {
      const text = bodyOf(4 * LIMIT);
      let isClosed = false;
      const source = inChunks(text, 4096).getReader();
      const raw = new ReadableStream(
        {
          async pull(controller) {
            const { done, value } = await source.read();
            isClosed = done;
            if (done) controller.close();
            else controller.enqueue(value);
          },
        },
        { highWaterMark: 0 },
      );
      const answer = await send(path, { method, raw, headers: JSON_TYPE });
      expect([answer.status, isClosed]).toEqual([status, true]);
    },
  );
});
