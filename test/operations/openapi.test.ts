import { beforeAll, describe, expect, it } from "vitest";
import { ERRORS } from "../../src/errors.ts";
import { send } from "../support/api.ts";
import { createTestUser } from "../support/fixtures.ts";
import { fetchDocument } from "../support/openapi.ts";

interface MediaType {
  schema?: object;
  examples?: Record<string, { $ref?: string; value?: object }>;
}

interface Operation {
  operationId?: string;
  summary?: string;
  tags?: string[];
  security?: Record<string, string[]>[];
  "x-permission"?: string;
  parameters?: { name: string; in: string; required?: boolean; schema: object }[];
  requestBody?: { required?: boolean; content: Record<string, MediaType> };
  responses: Record<string, { description: string; content?: Record<string, MediaType> }>;
}

interface OpenApiDocument {
  openapi: string;
  info: { title: string; version: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, object>;
    securitySchemes: Record<string, object>;
    examples: Record<string, { value: object }>;
  };
}

let document: OpenApiDocument;
let operations: { method: string; path: string; operation: Operation }[];

beforeAll(async () => {
  document = (await fetchDocument()) as unknown as OpenApiDocument;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
});

const nameOf = ({ method, path }: { method: string; path: string }) =>
  `${method.toUpperCase()} ${path}`;

/** The examples of an error response by code, with references resolved. */
function examplesOf(response: Operation["responses"][string]): [string, object][] {
  const { examples = {} } = response.content?.["application/problem+json"] ?? {};
  return Object.entries(examples).map(([code, { $ref = "", value }]) => {
    const shared = document.components.examples[$ref.split("/").at(-1) ?? ""];
    return [code, value ?? shared?.value ?? {}];
  });
}

describe("GET /openapi.json", () => {
  it("is OpenAPI 3.1, cacheable, and contains every operation", async () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(operations.map(nameOf)).toEqual(
      expect.arrayContaining([
        "POST /v1/users",
        "GET /v1/users",
        "GET /v1/users/{id}",
        "PUT /v1/users/{id}",
        "PATCH /v1/users/{id}",
        "DELETE /v1/users/{id}",
        "POST /v1/users/{id}/restore",
        "PUT /v1/users/{id}/role",
        "POST /v1/auth/register",
        "POST /v1/auth/login",
        "POST /v1/auth/refresh",
        "POST /v1/auth/logout",
        "GET /v1/auth/me",
        "GET /health",
        "GET /ready",
        "GET /.well-known/jwks.json",
      ]),
    );
    expect((await send("/openapi.json")).headers.get("Cache-Control")).toMatch(/^public/);
  });

  it("gives every operation a unique id, a summary, known tags and its permission", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }) => name);
    for (const { operation, ...where } of operations) {
      expect(operation.operationId, nameOf(where)).toMatch(/^[a-z][A-Za-z]+$/);
      expect(operation.summary, nameOf(where)).toMatch(/^\S.{3,}/);
      expect(operation.tags?.length, nameOf(where)).toBeGreaterThan(0);
      for (const tag of operation.tags ?? []) expect(tags).toContain(tag);
      expect(operation["x-permission"], nameOf(where)).toMatch(
        /^(none|own|(own or )?[a-z_]+:[a-z]+)/,
      );
    }
  });

  it("requires a credential exactly for operations that are not public", () => {
    for (const { operation, ...where } of operations) {
      const isPublic = operation["x-permission"] === "none";
      const schemesOf = operation.security ?? [];
      // Public operations may take a credential: then none is one of the alternatives.
      const mayBeLeftOut = schemesOf.some((schemes) => Object.keys(schemes).length === 0);
      const isOpen = schemesOf.length === 0 || (isPublic && mayBeLeftOut);
      expect(isOpen, nameOf(where)).toBe(isPublic);
      for (const name of (operation.security ?? []).flatMap((schemes) => Object.keys(schemes))) {
        expect(document.components.securitySchemes).toHaveProperty(name);
      }
    }
  });

  it("shows an example of every declared error as a problem document", () => {
    for (const { operation, ...where } of operations) {
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(response.description, nameOf(where)).toBeTruthy();
        if (Number(status) < 400) continue;
        expect(Object.keys(response.content ?? {}), nameOf(where)).toEqual([
          "application/problem+json",
        ]);
        const examples = examplesOf(response);
        expect(examples.length, `${nameOf(where)} ${status}`).toBeGreaterThan(0);
        for (const [code, value] of examples) {
          expect(value).toMatchObject({ code, status: Number(status) });
          expect(ERRORS).toHaveProperty(code);
          expect("errors" in value).toBe(Number(status) === 422);
        }
      }
    }
  });

  it("declares the responses of every operation: success, 422, 500 and, if it needs anything, 503", () => {
    for (const { operation, ...where } of operations) {
      const statuses = Object.keys(operation.responses);
      const success = where.path.endsWith("/callback") ? /\b303\b/ : /\b2\d\d\b/;
      expect(statuses.join(), nameOf(where)).toMatch(success);
      const needsNothing = ["/", "/health"].includes(where.path);
      const expected = needsNothing ? ["422", "500"] : ["422", "500", "503"];
      expect(statuses, nameOf(where)).toEqual(expect.arrayContaining(expected));
      expect(statuses.includes("503"), nameOf(where)).toBe(!needsNothing);
    }
  });

  it("declares 401 with a credential, 403 with a permission, and the errors of a body", () => {
    for (const { operation, ...where } of operations) {
      const permission = operation["x-permission"] ?? "";
      const expected = [
        ...(permission === "none" ? [] : ["401"]),
        ...(permission.includes(":") ? ["403"] : []),
        ...(operation.requestBody ? ["400", "413", "415"] : []),
      ];
      expect(Object.keys(operation.responses), nameOf(where)).toEqual(
        expect.arrayContaining(expected),
      );
    }
  });

  it("describes every path parameter and names every success schema", () => {
    for (const { operation, ...where } of operations) {
      const inPath = [...where.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      expect(declared.map(({ name }) => name).sort(), nameOf(where)).toEqual(inPath.sort());
      expect(declared.every(({ required }) => required)).toBe(true);
      const success = operation.responses["200"] ?? operation.responses["201"];
      const [content] = Object.values(success?.content ?? {});
      if (success) expect(content?.schema, nameOf(where)).toBeTruthy();
    }
  });
});

describe("every documented operation", () => {
  const pathOf = (path: string, id: string) =>
    path.replace("{id}", id).replaceAll(/\{\w+\}/g, "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11");

  it("returns 401 without a token unless it is public", async () => {
    for (const { method, path, operation } of operations) {
      if (operation["x-permission"] === "none") continue;
      const { status } = await send(pathOf(path, "me"), { method: method.toUpperCase() });
      expect({ method, path, status }).toEqual({ method, path, status: 401 });
    }
  });

  it("returns 403 for another user's account, or for all, to a user without permissions", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser();
    for (const { method, path, operation } of operations) {
      const permission = operation["x-permission"] ?? "";
      if (
        !permission.includes(":") ||
        (permission.startsWith("own") && !path.includes("/users/{id}"))
      )
        continue;
      const { status } = await send(pathOf(path, id), { method: method.toUpperCase(), token });
      expect({ method, path, status }).toEqual({ method, path, status: 403 });
    }
  });
});
