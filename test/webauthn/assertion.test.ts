import { describe, expect, it } from "vitest";
import { verifyAssertion } from "../../src/lib/webauthn/assertion.ts";
import { assertionInput, loadAssertions } from "./ceremonies.ts";

const ASSERTIONS = await loadAssertions();

describe.each(ASSERTIONS)("an assertion: $name", (ceremony) => {
  it("is verified with the key that was registered", async () => {
    expect(await verifyAssertion(assertionInput(ceremony))).toMatchObject({ isVerified: true });
  });
});
