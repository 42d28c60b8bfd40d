import { describe, expect, it } from "vitest";
import committedMatrix from "../../docs/access.md?raw";
import { readAccessRule, renderAccessMatrix } from "../../scripts/lib/access-matrix.ts";
import { PERMISSION_NAMES } from "../../src/access/permissions.ts";
import { createTestUser } from "../support/fixtures.ts";
import { documentedCodes, operationsOf } from "../support/openapi.ts";
import { cases, document, operations, readSystemRoles, restricted, table } from "./access-cases.ts";

describe("the table of operations by caller", () => {
  it("has every documented operation, and no other", () => {
    const documented = operationsOf(document).map(({ name }) => name);
    expect([...table.keys()].sort()).toEqual(documented.sort());
  });

  it.each(cases(operations))(
    "says the same as the OpenAPI document: %s",
    (name, { row, documented }) => {
      expect(readAccessRule(name, documented)).toEqual(row.rule);
    },
  );

  it("says the same as docs/access.md", () => {
    const lines = committedMatrix.split("\n").filter((line) => line.startsWith("| `"));
    const documented = lines.map((line) => line.split(" | ").slice(0, 8));
    const expected = [...table.values()].map((row) => [
      `| \`${row.operation}\``,
      ...row.documented,
    ]);
    expect(documented.sort()).toEqual(expected.sort());
  });
});

describe("every documented operation", () => {
  it("has a unique id, a summary and an access rule, and documents its refusals", () => {
    const ids = operations.map(({ documented }) => documented.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { name, documented, access } of operations) {
      expect(documented.operationId, name).toBeTruthy();
      expect(documented.summary, name).toBeTruthy();
      expect(documented["x-permission"], name).toBeTruthy();
      const names: readonly (string | undefined)[] = [undefined, ...PERMISSION_NAMES];
      expect(names, name).toContain(access.permission);
    }
    for (const operation of restricted) {
      expect(documentedCodes(operation, 401), operation.name).toContain("unauthenticated");
      expect(documentedCodes(operation, 403), operation.name).toContain("forbidden");
    }
  });
});

describe("docs/access.md", () => {
  it("matches the OpenAPI document; if not, run `npm run docs:access`", async () => {
    const { token } = await createTestUser("admin");
    const systemRoles = await readSystemRoles(token);
    expect(committedMatrix).toBe(renderAccessMatrix(document, systemRoles));
  });
});
