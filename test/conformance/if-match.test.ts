import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, sqlAll } from "../support/fixtures.ts";
import {
  documentedCodes,
  fetchDocument,
  type Operation,
  operationsOf,
} from "../support/openapi.ts";
import { expectProblem } from "../support/problems.ts";
import { sampleRequest, targetOf } from "../support/samples.ts";

const document = await fetchDocument();
const operations = operationsOf(document);

/** Writes below a resource that leave what GET returns of it as it is. They ignore If-Match. */
const LEAVE_THE_RESOURCE = [
  "POST /v1/users/{id}/unlock",
  "POST /v1/users/{id}/password/expire",
  "POST /v1/users/{id}/password/send-reset",
  "POST /v1/users/{id}/email/send-verification",
  "DELETE /v1/users/{id}/sessions",
  "DELETE /v1/users/{id}/sessions/{session_id}",
];

const takes = (header: string) => (operation: Operation) =>
  (operation.documented.parameters ?? []).some(({ name }) => name === header);
const conditional = operations.filter(takes("If-Match"));

/** Paths of single resources, which GET returns with an ETag. */
const resources = operations
  .filter(({ method, documented }) => method === "GET" && "304" in documented.responses)
  .map(({ path }) => path);

describe("resources with an ETag", () => {
  it("are users, profiles, roles and API keys", () => {
    expect(resources.sort()).toEqual([
      "/v1/api-keys/{id}",
      "/v1/roles/{name}",
      "/v1/users/{id}",
      "/v1/users/{id}/profile",
    ]);
    const read = operations.filter(takes("If-None-Match")).map(({ path }) => path);
    expect(read.sort()).toEqual(resources);
  });

  it("honour If-Match in every operation that changes them", () => {
    const writes = operations.filter(
      ({ method, path }) =>
        method !== "GET" && resources.some((one) => path === one || path.startsWith(`${one}/`)),
    );
    const ignoring = writes.filter((one) => !conditional.includes(one)).map(({ name }) => name);
    expect(ignoring.sort()).toEqual(LEAVE_THE_RESOURCE.toSorted());
    expect(conditional.every((one) => writes.includes(one))).toBe(true);
  });
});

describe("every operation that takes If-Match", () => {
  it.each(conditional.map((operation) => [operation.name, operation] as const))(
    "returns 412 version_conflict to a stale one and writes nothing: %s",
    async (_, operation) => {
      expect(documentedCodes(operation, 412)).toEqual(["version_conflict"]);
      const admin = await createTestUser("admin");
      const target = await targetOf(await createTestUser());
      const { path, ...request } = sampleRequest(document, operation, target, false);
      const everything = () => snapshot(target.user.id);
      const before = await everything();
      const headers = { "If-Match": '"0-000000000000"' };
      const stale = await send(path, { ...request, token: admin.token, headers });
      expectProblem(stale, 412, "version_conflict");
      expect(await everything()).toEqual(before);
      const current = { "If-Match": "*" };
      const answer = await send(path, { ...request, token: admin.token, headers: current });
      expect(answer.status, answer.text).toBeLessThan(300);
    },
  );
});

/** What the sample requests could change. */
async function snapshot(userId: string) {
  return {
    users: await sqlAll("SELECT * FROM users WHERE id = ?", userId),
    profiles: await sqlAll("SELECT * FROM profiles WHERE user_id = ?", userId),
    sessions: await sqlAll("SELECT * FROM sessions WHERE user_id = ?", userId),
    keys: await sqlAll("SELECT * FROM api_keys WHERE user_id = ?", userId),
    roles: await sqlAll("SELECT * FROM roles ORDER BY name"),
    events: await sqlAll("SELECT id FROM audit_events ORDER BY id"),
  };
}
