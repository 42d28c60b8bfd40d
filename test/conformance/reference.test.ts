import { describe, expect, it } from "vitest";
import committedErrors from "../../docs/errors.md?raw";
import committedReference from "../../docs/reference.md?raw";
import type { ApiDocument } from "../../scripts/lib/reference/document.ts";
import { renderErrors } from "../../scripts/lib/reference/errors.ts";
import { renderReference } from "../../scripts/lib/reference/render.ts";
import { ERRORS, type ErrorCode, toPublicCode } from "../../src/errors.ts";
import { FAULT_CODES } from "../../src/lib/fault-codes.ts";
import { document as served } from "./access-cases.ts";

const document = served as unknown as ApiDocument;

describe("docs/reference.md", () => {
  it("matches the OpenAPI document; if not, run `npm run docs:reference`", () => {
    expect(committedReference).toBe(renderReference(document));
  });

  it("has every operation", () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const method of Object.keys(methods)) {
        expect(committedReference).toContain(`\n### ${method.toUpperCase()} ${path}\n`);
      }
    }
  });
});

describe("docs/errors.md", () => {
  it("matches the tables of codes; if not, run `npm run docs:reference`", () => {
    const toPublic = (code: string) => toPublicCode(code as ErrorCode);
    expect(committedErrors).toBe(renderErrors(document, ERRORS, FAULT_CODES, toPublic));
  });

  it("has every code with its status and title", () => {
    for (const [code, [status, title]] of Object.entries(ERRORS)) {
      const section = `### ${toPublicCode(code as ErrorCode)}\n\n**${status} ${title}.**`;
      expect(committedErrors).toContain(section);
    }
    for (const code of Object.keys(FAULT_CODES)) {
      expect(committedErrors).toContain(`| \`${code}\` |`);
    }
  });
});
