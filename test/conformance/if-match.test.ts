import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import { createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import {
  documentedCodes,
  fetchDocument,
  type Operation,
  operationsOf,
} from "../support/openapi.ts";
import { expectProblem } from "../support/problems.ts";
import { sampleRequest, type Target, targetOf } from "../support/samples.ts";

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

/** Bodies of operations whose sample has no required field and so changes nothing. */
const CHANGES: Readonly<Record<string, object>> = {
  updateUser: { first_name: "Grace" },
  replaceProfile: { bio: "New." },
  updateProfile: { bio: "New." },
  updateApiKey: { name: "New" },
};

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

  it.each(conditional.map((operation) => [operation.name, operation] as const))(
    "returns 412 if the resource changes between read and write: %s",
    async (_, operation) => {
      const { token } = await createTestUser("admin");
      const target = await changeableTarget(operation);
      const ifMatch = await etagFor(operation, target, token);
      const { path, ...request } = sampleRequest(document, operation, target, false);
      const body = CHANGES[operation.documented.operationId ?? ""] ?? request.body;
      const bindings = beforeStatement(/^(update|delete|insert)/, () => changeAll(target));
      const headers = { "If-Match": ifMatch };
      const options = { method: request.method, ...(body !== undefined && { body }) };
      const answer = await send(path, { ...options, token, headers, bindings });
      expectProblem(answer, 412, "version_conflict");
    },
  );
});

/** A target that the sample request of an operation changes. */
async function changeableTarget({ path }: Operation): Promise<Target> {
  const target = await targetOf(await createTestUser("moderator"));
  const { id } = target.user;
  await sqlRun(
    "INSERT INTO profiles (user_id, metadata, version, updated_at) VALUES (?, '{}', 1, 0)",
    id,
  );
  await sqlRun("UPDATE roles SET description = 'Old.' WHERE name = ?", target.ids.roles);
  if (path.endsWith("/factors")) await sqlRun("UPDATE users SET mfa_enabled = 1 WHERE id = ?", id);
  if (path.endsWith("/restore"))
    await sqlRun("UPDATE users SET deleted_at = ? WHERE id = ?", Date.now(), id);
  return target;
}

/** The current ETag of the resource that an operation changes. */
async function etagFor(operation: Operation, target: Target, token: string): Promise<string> {
  const resource = resources.filter((one) => operation.path.startsWith(one)).at(-1);
  const reading = operations.find(({ method, path }) => method === "GET" && path === resource);
  if (!reading) throw new Error(`${operation.name} changes nothing that has an ETag`);
  const { path } = sampleRequest(document, reading, target, false);
  const query = operation.path.endsWith("/restore") ? "?deleted=true" : "";
  return (await send(path + query, { token })).headers.get("ETag") ?? "";
}

/** Another change of everything that belongs to the target. */
async function changeAll({ user, ids }: Target): Promise<void> {
  await sqlRun("UPDATE users SET version = version + 1 WHERE id = ?", user.id);
  await sqlRun("UPDATE profiles SET version = version + 1 WHERE user_id = ?", user.id);
  await sqlRun("UPDATE api_keys SET version = version + 1 WHERE user_id = ?", user.id);
  await sqlRun("UPDATE roles SET version = version + 1 WHERE name = ?", ids.roles ?? null);
}

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
