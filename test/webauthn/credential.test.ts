import { describe, expect, it } from "vitest";
import { AuthenticationResponse, RegistrationResponse } from "../../src/lib/webauthn/credential.ts";

const text = (length: number) => "A".repeat(length);

describe("what an authenticator sends", () => {
  it("may have an id of 1023 bytes, the most that WebAuthn allows, and no longer one", () => {
    const response = { clientDataJSON: "A", attestationObject: "A" };
    const withId = (id: string) => ({ id, rawId: id, type: "public-key", response });
    expect(RegistrationResponse.safeParse(withId(text(1364))).success).toBe(true);
    expect(RegistrationResponse.safeParse(withId(text(1365))).success).toBe(false);
  });

  it.each([
    ["clientDataJSON", 8192],
    ["authenticatorData", 8192],
    ["signature", 1024],
    ["userHandle", 86],
  ])("has a %s of at most %i characters", (name, limit) => {
    const accepts = (length: number) => {
      const short = { clientDataJSON: "A", authenticatorData: "A", signature: "A" };
      const response = { ...short, [name]: text(length) };
      const sent = { id: "A", rawId: "A", type: "public-key", response };
      return AuthenticationResponse.safeParse(sent).success;
    };
    expect([accepts(limit), accepts(limit + 1)]).toEqual([true, false]);
  });
});
