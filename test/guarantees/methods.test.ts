import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser } from "../support/fixtures.ts";
import { fetchDocument, operationsOf } from "../support/openapi.ts";
import { sampleRequest, UNKNOWN_TARGET } from "../support/samples.ts";

const document = await fetchDocument();
// A callback uses the state up, so it does nothing at all when only its headers are asked for.
const CALLBACK = "/v1/auth/providers/{id}/callback";
const reads = operationsOf(document).filter(
  ({ method, path }) => method === "GET" && path !== CALLBACK,
);

describe("odd methods", () => {
  it.each(reads.map((operation) => [operation.path, operation] as const))(
    "HEAD is decided on like GET: %s",
    async (_, operation) => {
      const { path } = sampleRequest(document, operation, UNKNOWN_TARGET, false);
      const { token } = await createTestUser();
      for (const credential of [{}, { token }]) {
        const answer = await send(path, { ...credential, method: "GET" });
        const head = await send(path, { ...credential, method: "HEAD" });
        expect(head.status).toBe(answer.status);
        expect(head.text).toBe("");
      }
    },
  );
});
