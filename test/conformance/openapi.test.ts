import { beforeAll, describe, expect, it } from "vitest";
import { PERMISSION_NAMES } from "../../src/access/permissions.ts";
import { AUDIT_ACTIONS } from "../../src/audit/events.ts";
import { ACCOUNT_ERRORS } from "../../src/error-codes/accounts.ts";
import { AUTHENTICATION_ERRORS } from "../../src/error-codes/authentication.ts";
import { REQUEST_ERRORS } from "../../src/error-codes/requests.ts";
import { MAIL_KINDS } from "../../src/outbox/templates.ts";
import { send } from "../support/api.ts";
import { checkDocumented, takeViolations } from "../support/documented.ts";
import { createIsolate } from "../support/isolates.ts";
import {
  documentedCodes,
  fetchDocument,
  type Operation,
  operationsOf,
} from "../support/openapi.ts";
import type { OpenApiDocument } from "../support/openapi-document.ts";
import { expectProblem } from "../support/problems.ts";

const PROBLEM = "application/problem+json";

/** Clients download the document: what operations share must be in it once. */
const MAX_BYTES_PER_OPERATION = 4000;

let document: OpenApiDocument;
let text: string;
let operations: Operation[];

beforeAll(async () => {
  document = await fetchDocument();
  ({ text } = await send("/openapi.json"));
  operations = operationsOf(document);
});

function operationOf(name: string): Operation {
  const found = operations.find((operation) => operation.name === name);
  if (!found) throw new Error(`no operation ${name}`);
  return found;
}

/** The names of the schemas that a response refers to. */
function schemaNamesOf({ documented }: Operation, status: number): string[] {
  const schema = documented.responses[status]?.content?.[PROBLEM]?.schema ?? {};
  return (schema.oneOf ?? [schema]).map(({ $ref = "" }) => $ref.split("/").at(-1) ?? "");
}

/** The own members of a schema that extends Problem. */
function ownMembers(name: string) {
  const [base, own] = document.components.schemas[name]?.allOf ?? [];
  expect(base, name).toEqual({ $ref: "#/components/schemas/Problem" });
  return own ?? {};
}

function headersOf({ documented }: Operation, status: number | string): string[] {
  return Object.keys(documented.responses[status]?.headers ?? {});
}

describe("the errors of an operation", () => {
  it("have a schema each, which fixes the code and the status", () => {
    for (const operation of operations) {
      for (const status of Object.keys(operation.documented.responses).map(Number)) {
        if (status < 400 || (operation.path === "/ready" && status === 503)) continue;
        const names = schemaNamesOf(operation, status);
        const codes = names.flatMap((name) => ownMembers(name).properties?.code?.enum);
        expect(codes, `${operation.name} ${status}`).toEqual(documentedCodes(operation, status));
        for (const name of names) {
          expect(ownMembers(name).properties?.status?.enum, name).toEqual([status]);
        }
      }
    }
  });

  it("are chosen by their code where a status has several", () => {
    const { schema } = operationOf("PATCH /v1/users/{id}").documented.responses[409]?.content?.[
      PROBLEM
    ] ?? { schema: undefined };
    expect(schema?.discriminator).toEqual({
      propertyName: "code",
      mapping: {
        edit_conflict: "#/components/schemas/EditConflictProblem",
        email_taken: "#/components/schemas/EmailTakenProblem",
        last_admin: "#/components/schemas/LastAdminProblem",
        username_taken: "#/components/schemas/UsernameTakenProblem",
      },
    });
  });

  it("have a code from a closed list, and each code is in one table", () => {
    const tables = [REQUEST_ERRORS, AUTHENTICATION_ERRORS, ACCOUNT_ERRORS];
    expect(document.components.schemas.ErrorCode?.enum).toEqual(
      // Clients see it as invalid_code, which has another status elsewhere.
      tables
        .flatMap((table) => Object.keys(table))
        .filter((code) => code !== "invalid_exchange_code"),
    );
    expect(document.components.schemas.Problem?.properties?.code).toEqual({
      $ref: "#/components/schemas/ErrorCode",
    });
  });

  it("contain `errors` if validation failed, and only then", () => {
    const own = ownMembers("ValidationFailedProblem");
    expect(own.required).toEqual(["errors"]);
    expect(own.properties?.errors?.items).toEqual({ $ref: "#/components/schemas/Fault" });
    expect(document.components.schemas.Problem?.properties).not.toHaveProperty("errors");
  });

  it("contain the token to set a new password with if the password has expired", () => {
    expect(schemaNamesOf(operationOf("POST /v1/auth/login"), 403)).toContain(
      "PasswordExpiredProblem",
    );
    expect(ownMembers("PasswordExpiredProblem").required).toEqual(["reset_token", "expires_in"]);
  });

  it("contain the checks if the service is not ready", () => {
    const ready = operationOf("GET /ready");
    expect(schemaNamesOf(ready, 503)).toEqual(["NotReadyProblem"]);
    expect(ownMembers("NotReadyProblem").required).toEqual(["checks"]);
    expect(documentedCodes(ready, 503)).toEqual(["misconfigured", "service_unavailable"]);
  });

  it("include misconfigured for every operation that answers it", async () => {
    const bindings = createIsolate({ MAC_KEYS: "" });
    for (const operation of operations) {
      const path = operation.path.replaceAll(/\{\w+\}/g, "me");
      const answer = await send(path, { method: operation.method, bindings });
      const codes = documentedCodes(operation, 503);
      if (["/", "/health"].includes(operation.path)) {
        expect({ status: answer.status, codes }).toEqual({ status: 200, codes: [] });
      } else {
        expectProblem(answer, 503, "misconfigured");
        expect(codes, operation.name).toContain("misconfigured");
      }
    }
  });

  it("include mail_not_configured for every operation that needs email", () => {
    const names = operations
      .filter((operation) => documentedCodes(operation, 503).includes("mail_not_configured"))
      .map(({ name }) => name);
    expect(names.sort()).toEqual([
      "POST /v1/auth/email-login",
      "POST /v1/auth/email/change",
      "POST /v1/auth/email/resend",
      "POST /v1/auth/password/forgot",
      "POST /v1/auth/step-up/challenge",
      "POST /v1/users",
      "POST /v1/users/{id}/email/send-verification",
      "POST /v1/users/{id}/password/send-reset",
    ]);
  });
});

describe("the headers of a response", () => {
  it("include X-Request-Id, and RateLimit and RateLimit-Policy under a policy", () => {
    const unlimited = ["/", "/health", "/.well-known/jwks.json"];
    for (const operation of operations) {
      for (const status of Object.keys(operation.documented.responses)) {
        const where = `${operation.name} ${status}`;
        const isLimited = !unlimited.includes(operation.path);
        expect(headersOf(operation, status), where).toContain("X-Request-Id");
        expect(headersOf(operation, status).includes("RateLimit"), where).toBe(isLimited);
        expect(headersOf(operation, status).includes("RateLimit-Policy"), where).toBe(isLimited);
      }
    }
  });

  it("include WWW-Authenticate with 401, and Retry-After with 429 and 503", () => {
    for (const operation of operations) {
      for (const status of Object.keys(operation.documented.responses)) {
        const headers = headersOf(operation, status);
        const where = `${operation.name} ${status}`;
        expect(headers.includes("WWW-Authenticate"), where).toBe(status === "401");
        expect(headers.includes("Retry-After"), where).toBe(["429", "503"].includes(status));
      }
    }
  });

  it("include ETag with a user and with 304, and Location with what was created", () => {
    expect(headersOf(operationOf("GET /v1/users/{id}"), 200)).toContain("ETag");
    expect(headersOf(operationOf("GET /v1/users/{id}"), 304)).toContain("ETag");
    expect(headersOf(operationOf("GET /v1/users/{id}/profile"), 304)).toContain("ETag");
    for (const path of ["/v1/users", "/v1/auth/register", "/v1/roles", "/v1/api-keys"]) {
      expect(headersOf(operationOf(`POST ${path}`), 201), path).toContain("Location");
    }
  });
});

describe("the schemas of the document", () => {
  it("list what is closed: audit actions, kinds of email, permissions of Roster itself", () => {
    const { schemas } = document.components;
    expect(schemas.AuditAction?.enum).toEqual([...AUDIT_ACTIONS]);
    expect(schemas.MailKind?.enum).toEqual([...MAIL_KINDS]);
    expect(schemas.PermissionName?.anyOf?.[0]?.enum).toEqual([...PERMISSION_NAMES]);
    expect(schemas.Scope?.anyOf?.[1]?.enum).toEqual(["me:read", "me:write"]);
    for (const name of ["Role", "CreateRole", "ReplaceRole", "Me"]) {
      expect(schemas[name]?.properties?.permissions?.items, name).toEqual({
        $ref: "#/components/schemas/PermissionName",
      });
    }
    for (const name of ["ApiKey", "ApiKeyWithSecret", "CreateApiKey", "UpdateApiKey"]) {
      expect(schemas[name]?.properties?.scopes?.items, name).toEqual({
        $ref: "#/components/schemas/Scope",
      });
    }
  });

  it("accept the permissions of an application, and no other text", () => {
    const [, { pattern = "" } = {}] = document.components.schemas.PermissionName?.anyOf ?? [];
    expect("invoices:approve").toMatch(new RegExp(pattern));
    for (const name of ["invoices", "Invoices:approve", "invoices:", "a b:c"]) {
      expect(name).not.toMatch(new RegExp(pattern));
    }
  });

  it("name the page, the fault, the email and the change", () => {
    const { schemas } = document.components;
    expect(schemas.UserPage?.properties?.pagination).toEqual({
      $ref: "#/components/schemas/Pagination",
    });
    expect(schemas.UserExport?.properties?.mails?.items).toEqual({
      $ref: "#/components/schemas/Mail",
    });
    expect(schemas.AuditEvent?.properties?.changes?.additionalProperties).toEqual({
      anyOf: [{ $ref: "#/components/schemas/Change" }, { type: "null" }],
    });
    expect(schemas.Change?.required).toEqual(["from", "to"]);
  });
});

describe("the document as a whole", () => {
  it("has each response, header and example once", () => {
    expect(text.length / operations.length).toBeLessThan(MAX_BYTES_PER_OPERATION);
    const served = JSON.parse(text) as OpenApiDocument;
    for (const { name, documented } of operationsOf(served)) {
      for (const [status, response] of Object.entries(documented.responses)) {
        if (Number(status) < 400 || name === "GET /ready") continue;
        expect(response, `${name} ${status}`).toEqual({
          $ref: expect.stringMatching(/^#\/components\/responses\/[A-Za-z]+$/),
        });
      }
    }
    const names = Object.values(served.components.responses).map((one) => JSON.stringify(one));
    expect(new Set(names).size).toBe(names.length);
    const successes = operationsOf(served)
      .flatMap(({ documented }) => Object.values(documented.responses))
      .filter(({ $ref }) => $ref === undefined)
      .map((response) => JSON.stringify(response));
    expect(new Set(successes).size).toBe(successes.length);
  });

  it("describes every operation and every parameter, and has a contact", () => {
    expect(JSON.parse(text).info.contact.name).toMatch(/\S/);
    for (const { name, documented } of operations) {
      expect(documented.description, name).toMatch(/^[A-Z].+\.$/s);
      for (const parameter of documented.parameters ?? []) {
        expect(parameter.description, `${parameter.name} of ${name}`).toMatch(/^[A-Z`].+\.$/s);
      }
    }
  });

  it("says in the security schemes that two credentials are refused where either is accepted", () => {
    const { securitySchemes } = JSON.parse(text).components;
    for (const scheme of ["accessToken", "apiKey"]) {
      expect(securitySchemes[scheme].description).toContain("refuse a request with both: 400");
    }
  });
});

describe("the comparison of responses with the document", () => {
  const headers = new Headers({ "X-Request-Id": "abcdefgh", "Content-Type": "application/json" });
  const health = { method: "GET", path: "/health", status: 200, headers };
  const healthy = JSON.stringify({ status: "healthy", version: "1" });

  it("finds nothing in a documented response", () => {
    checkDocumented({ ...health, text: healthy });
    expect(takeViolations()).toEqual([]);
  });

  it.each([
    ["a status", { status: 418, text: healthy }],
    [
      "a missing header",
      { headers: new Headers({ "Content-Type": "application/json" }), text: healthy },
    ],
    ["a header", { headers: new Headers([...headers, ["ETag", '"1"']]), text: healthy }],
    ["a content type", { headers: new Headers({ "X-Request-Id": "abcdefgh" }), text: healthy }],
    ["a value", { text: healthy.replace("healthy", "ill") }],
    ["a missing member", { text: '{"status":"healthy"}' }],
    ["a member", { text: healthy.replace("{", '{"secret":1,') }],
    ["a body", { method: "DELETE", path: "/v1/auth/sessions", status: 204, text: healthy }],
    [
      "a code",
      {
        method: "PUT",
        status: 405,
        headers: new Headers({ "Content-Type": PROBLEM }),
        text: '{"code":"x"}',
      },
    ],
  ])("finds %s that is not documented", (_, difference) => {
    checkDocumented({ ...health, ...difference });
    expect(takeViolations()).not.toEqual([]);
  });

  it("finds a member that is not documented in an object within the body", () => {
    const passed = { status: "ok", duration_ms: 1 };
    const checks = { d1: passed, kv: passed, mail: { status: "ok" }, data_keys: { status: "ok" } };
    const check = (text: string) => checkDocumented({ ...health, path: "/ready", text });
    check(JSON.stringify({ status: "ready", checks }));
    expect(takeViolations()).toEqual([]);
    check(JSON.stringify({ status: "ready", checks: { ...checks, secret: 1 } }));
    expect(takeViolations()).toEqual([expect.stringContaining("GET /ready 200: #/checks")]);
  });
});
