import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestKey, type TestKey, withKey } from "../support/credentials.ts";
import { createTestUser } from "../support/fixtures.ts";
import { fetchDocument, operationsOf } from "../support/openapi.ts";
import { sampleRequest, UNKNOWN_TARGET } from "../support/samples.ts";

const document = await fetchDocument();
// These two take a credential where there is one.
const CALLED = ["startProviderLogin", "exchangeCode"];
const open = operationsOf(document).filter(
  ({ access, documented }) =>
    access.kind === "public" && !CALLED.includes(documented.operationId ?? ""),
);

let key: TestKey;

beforeAll(async () => {
  key = await createTestKey(await createTestUser("admin"), []);
});

describe("two credentials at once", () => {
  it.each(open.map((operation) => [operation.name, operation] as const))(
    "are ignored by every operation that is open to everyone: %s",
    async (_, operation) => {
      const { path, ...request } = sampleRequest(document, operation, UNKNOWN_TARGET, false);
      const answer = await send(path, { ...request, token: key.owner.token, ...withKey(key) });
      expect(answer.body?.code).not.toBe("conflicting_credentials");
      expect(answer.status).toBeLessThan(500);
    },
  );
});
