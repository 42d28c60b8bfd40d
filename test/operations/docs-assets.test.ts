import { describe, it } from "vitest";
import { send } from "../support/api.ts";
import { expectProblem } from "../support/problems.ts";

describe("GET /docs/assets", () => {
  it("returns 404 for unknown assets and path traversal", async () => {
    for (const path of [
      "nothing.js",
      "..%2F..%2Fpackage.json",
      "%2e%2e/%2e%2e/wrangler.toml",
      "",
    ]) {
      const answer = await send(`/docs/assets/${path}`);
      expectProblem(answer, 404, "not_found");
    }
  });
});
