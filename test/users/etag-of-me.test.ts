import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser } from "../support/fixtures.ts";

describe("the ETag of …/me", () => {
  it.each(["/v1/users/me", "/v1/users/me/profile"])(
    "of %s differs between users at the same version",
    async (path) => {
      const [ada, bob] = [await createTestUser(), await createTestUser()];
      const adas = await send(path, { token: ada.token });
      const headers = { "If-None-Match": adas.headers.get("ETag") ?? "" };
      expect((await send(path, { token: ada.token, headers })).status).toBe(304);
      expect((await send(path, { token: bob.token, headers })).status).toBe(200);
      expect(adas.headers.get("Vary")).toContain("Authorization");
    },
  );
});
