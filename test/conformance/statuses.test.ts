import { beforeAll, describe, expect, it } from "vitest";
import { findStatusFaults } from "../../scripts/lib/status-faults.ts";
import { type Answer, type RequestOptions, send } from "../support/api.ts";
import { createTestUser, type TestUser } from "../support/fixtures.ts";
import { createColdIsolate, createIsolate } from "../support/isolates.ts";
import { documentedCodes, type Operation } from "../support/openapi.ts";
import { expectProblem } from "../support/problems.ts";
import { sampleRequest, UNKNOWN_TARGET } from "../support/samples.ts";
import { cases, document, operations } from "./access-cases.ts";

const TOO_LARGE_BYTES = 1024 * 1024 + 1;

let admin: TestUser;

beforeAll(async () => {
  await createTestUser("admin"); // Remains, so that no other user is the last administrator.
  admin = await createTestUser("admin");
});

const documenting = (status: number, code: string) =>
  cases(operations.filter((operation) => documentedCodes(operation, status).includes(code)));

/** Sends a request that an administrator may send, about nothing that exists, with the given differences. */
async function call(operation: Operation, differences: RequestOptions = {}, query = "") {
  const { path, ...request } = sampleRequest(document, operation, UNKNOWN_TARGET, false);
  const isOpen = operation.access.kind === "public";
  const credential = isOpen ? {} : { token: admin.token };
  const separator = path.includes("?") ? "&" : "?";
  const whole = query ? path + separator + query : path;
  return send(whole, { ...request, ...credential, ...differences });
}

/** Bindings whose settings cannot be read. */
function brokenBindings(): Cloudflare.Env {
  const bindings = createColdIsolate();
  Object.defineProperty(bindings, "ENVIRONMENT", {
    enumerable: true,
    get() {
      throw new Error("unforeseen");
    },
  });
  return bindings;
}

describe("every operation that documents it", () => {
  it.each(documenting(500, "internal_error"))(
    "answers 500 to a crash: %s",
    async (_, operation) => {
      expectProblem(await call(operation, { bindings: brokenBindings() }), 500, "internal_error");
    },
  );

  // Providers may add parameters to the callback (RFC 6749 section 4.1.2).
  const strict = documenting(422, "validation_failed").filter(
    ([name]) => name !== "GET /v1/auth/providers/{id}/callback",
  );

  it.each(strict)(
    "answers 422 to a query parameter that it does not have: %s",
    async (_, operation) => {
      expectProblem(await call(operation, {}, "surely_unknown=1"), 422, "validation_failed");
    },
  );

  it.each(documenting(400, "invalid_bookmark"))(
    "answers 400 to a malformed bookmark: %s",
    async (_, operation) => {
      const headers = { "X-D1-Bookmark": "none" };
      expectProblem(await call(operation, { headers }), 400, "invalid_bookmark");
    },
  );

  it.each(documenting(413, "payload_too_large"))(
    "answers 413 to a body that is too large: %s",
    async (_, operation) => {
      const raw = " ".repeat(TOO_LARGE_BYTES);
      const headers = { "Content-Type": "application/json" };
      expectProblem(await call(operation, { raw, headers }), 413, "payload_too_large");
    },
  );

  it.each(documenting(415, "unsupported_media_type"))(
    "answers 415 to a body of another type: %s",
    async (_, operation) => {
      const headers = { "Content-Type": "text/plain" };
      expectProblem(await call(operation, { raw: "x", headers }), 415, "unsupported_media_type");
    },
  );

  it.each(documenting(429, "rate_limited"))(
    "answers 429 past the limit, with the headers of the policy: %s",
    async (_, operation) => {
      const limit = "1/60";
      const bindings = createIsolate({
        RATE_LIMIT_AUTH: limit,
        RATE_LIMIT_REFRESH: limit,
        RATE_LIMIT_READ: limit,
        RATE_LIMIT_WRITE: limit,
      });
      await call(operation, { bindings });
      const refused = await call(operation, { bindings });
      expectProblem(refused, 429, "rate_limited");
      expectLimited(refused);
    },
  );

  const missing = operations.filter(
    ({ path, documented, access }) =>
      path.includes("{") && "404" in documented.responses && access.kind !== "public",
  );

  it.each(cases(missing))("answers 404 for what does not exist: %s", async (_, operation) => {
    const { token } = await createTestUser("admin");
    const { status, body } = await call(operation, { token });
    expect({ status, isListed: documentedCodes(operation, 404).includes(body.code) }).toEqual({
      status: 404,
      isListed: true,
    });
  });
});

function expectLimited({ headers }: Answer<unknown>): void {
  expect(headers.get("RateLimit-Policy")).toMatch(/^"(auth|refresh|read|write)";q=1;w=60$/);
  expect(headers.get("RateLimit")).toMatch(/^"(auth|refresh|read|write)";r=0;t=\d+$/);
  expect(Number(headers.get("Retry-After"))).toBeGreaterThan(0);
}

describe("the check that every documented status is reached", () => {
  const documented = new Set(["GET /a 200", "GET /a 404"]);
  const excepted = new Set(["GET /a 404"]);

  it("finds nothing if all are reached, or excepted", () => {
    expect(findStatusFaults({ documented, reached: new Set(["GET /a 200"]), excepted })).toEqual(
      [],
    );
  });

  it("finds a status that no test reaches, and an exception that is reached or not documented", () => {
    expect(findStatusFaults({ documented, reached: new Set(), excepted })).toEqual([
      "GET /a 200: no test reaches it",
    ]);
    const needless = new Set(["GET /a 200", "GET /b 404"]);
    expect(findStatusFaults({ documented, reached: documented, excepted: needless })).toEqual([
      "GET /a 200: remove it from test/conformance/unreached.ts",
      "GET /b 404: remove it from test/conformance/unreached.ts",
    ]);
  });
});
