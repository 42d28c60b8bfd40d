import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser } from "../support/fixtures.ts";
import { fetchDocument, operationsOf, resolveSchema } from "../support/openapi.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";
import { sampleRequest, targetOf } from "../support/samples.ts";

/** Fields that no body may set, unless it documents them. */
const PROTECTED: Readonly<Record<string, unknown>> = {
  role: "admin",
  is_active: true,
  email_verified: true,
  id: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11",
  deleted_at: null,
  password_hash: "x",
  version: 1,
  is_system: true,
  permissions: ["users:erase"],
  scopes: ["users:erase"],
};

/** The protected fields that a body is documented to accept. */
const TAKES: Readonly<Record<string, readonly string[]>> = {
  createUser: ["role", "is_active"],
  replaceUser: ["role", "is_active"],
  updateUser: ["role", "is_active"],
  assignRole: ["role"],
  changeUsers: ["role"],
  createRole: ["permissions"],
  replaceRole: ["permissions"],
  createApiKey: ["scopes"],
  updateApiKey: ["scopes"],
  confirmTotp: ["id"],
};

/** The protected fields that a body accepts as GET returned them. */
const READ_ONLY: Readonly<Record<string, readonly string[]>> = {
  replaceUser: ["deleted_at", "email_verified", "id"],
  replaceRole: ["is_system"],
};

/** Protected fields that are refused as read-only, because the response has them. */
const SHOWN: Readonly<Record<string, readonly string[]>> = {
  ...READ_ONLY,
  updateUser: ["deleted_at", "email_verified", "id"],
  updateApiKey: ["id"],
  renameFactor: ["id"],
};

/** Another value than the current one, where that of PROTECTED is current. */
const CHANGED: Readonly<Record<string, unknown>> = { deleted_at: "2026-11-20T08:00:00.000Z" };

const document = await fetchDocument();
/** Takes what login providers send: only the state in it counts, which Roster has signed. */
const OPEN = "finishProviderLoginByForm";
const withBody = operationsOf(document).filter(
  ({ documented }) => documented.requestBody && documented.operationId !== OPEN,
);

describe("every documented request body", () => {
  it.each(withBody.map((operation) => [operation.name, operation] as const))(
    "refuses protected fields, even from an administrator: %s",
    async (_, operation) => {
      const id = operation.documented.operationId ?? "";
      const taken = TAKES[id] ?? [];
      const shown = SHOWN[id] ?? [];
      const schema = operation.documented.requestBody?.content["application/json"]?.schema ?? {};
      const named = Object.keys(resolveSchema(document, schema).properties ?? {});
      expect(named.filter((name) => name in PROTECTED).sort()).toEqual(
        [...taken, ...(READ_ONLY[id] ?? [])].toSorted(),
      );
      const admin = await createTestUser("admin");
      const target = await targetOf(await createTestUser());
      const { path, method, body } = sampleRequest(document, operation, target, false);
      for (const [field, value] of Object.entries(PROTECTED)) {
        if (taken.includes(field)) continue;
        const forged = { ...body, [field]: CHANGED[field] ?? value };
        const answer = await send(path, { method, token: admin.token, body: forged });
        expectProblem(answer, 422, "validation_failed");
        const code = shown.includes(field) ? "read_only" : "unknown_field";
        expect(faultsOf(answer)).toContain(`${field} ${code}`);
      }
    },
  );
});
