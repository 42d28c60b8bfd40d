import { describe, expect, it } from "vitest";
import { verifyRegistration } from "../../src/lib/webauthn/registration.ts";
import { REFUSED_REGISTRATIONS, REGISTRATIONS, registrationInput } from "./ceremonies.ts";

describe.each(REGISTRATIONS)("a registration: $name", (ceremony) => {
  it("is verified", async () => {
    expect(await verifyRegistration(registrationInput(ceremony))).toMatchObject({
      isVerified: true,
      credentialId: ceremony.id,
    });
  });
});
describe.each(REFUSED_REGISTRATIONS)("a registration: $name", (ceremony) => {
  it("is refused", async () => {
    expect(await verifyRegistration(registrationInput(ceremony))).toMatchObject({
      isVerified: false,
    });
  });
});
