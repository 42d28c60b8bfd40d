import { base64url } from "jose";
import { describe, expect, it } from "vitest";
import { decodeCborMap } from "../../src/lib/webauthn/cbor.ts";
import { verifyRegistration } from "../../src/lib/webauthn/registration.ts";
import {
  REFUSED_REGISTRATIONS,
  REGISTRATIONS,
  type Registration,
  registrationInput,
} from "./ceremonies.ts";
import {
  REGISTRATION_FORGERIES,
  withObject,
  withRegisteredAuthData,
  withRegisteredFlag,
} from "./forgeries.ts";

async function reasonOf(ceremony: Registration, expected = {}): Promise<string | undefined> {
  const verdict = await verifyRegistration(registrationInput(ceremony, expected));
  return verdict.isVerified ? undefined : verdict.reason;
}

describe.each(REGISTRATIONS)("a registration: $name", (ceremony) => {
  it("is verified", async () => {
    expect(await verifyRegistration(registrationInput(ceremony))).toMatchObject({
      isVerified: true,
      credentialId: ceremony.id,
      challenge: { id: "minted", expiresAt: 1 },
      aaguid: expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
    });
  });

  it.each(REGISTRATION_FORGERIES)("with %s is refused", async (_, forge, reason) => {
    expect(await reasonOf(forge(ceremony))).toBe(reason);
  });

  it("that is backed up without being eligible is refused", async () => {
    const forged = withRegisteredFlag(0x10, true)(withRegisteredFlag(0x08, false)(ceremony));
    expect(await reasonOf(forged)).toBe("inconsistent_backup_flags");
  });

  it("without user verification is refused where that is required", async () => {
    const expected = { requireUserVerification: true };
    expect(await reasonOf(withRegisteredFlag(0x04, false)(ceremony), expected)).toBe(
      "user_not_verified",
    );
    expect(await reasonOf(withRegisteredFlag(0x04, true)(ceremony), expected)).toBeUndefined();
  });

  it("with an attestation object cut anywhere is refused", async () => {
    const { byteLength } = base64url.decode(ceremony.attestationObject);
    for (let end = 0; end < byteLength; end += end < byteLength - 300 ? 7 : 1) {
      expect(await reasonOf(withObject((bytes) => bytes.slice(0, end))(ceremony))).toBe(
        "malformed_attestation_object",
      );
    }
  });

  it("with authenticator data cut anywhere is refused", async () => {
    const decoded = decodeCborMap(base64url.decode(ceremony.attestationObject));
    const authData = decoded?.map.get("authData");
    if (!(authData instanceof Uint8Array)) throw new Error("no authenticator data");
    const { byteLength } = authData;
    for (let end = 0; end < byteLength; end += 1) {
      const forged = withRegisteredAuthData((bytes) => bytes.slice(0, end))(ceremony);
      expect(await reasonOf(forged)).toBe("malformed_authenticator_data");
    }
  });

  it("with an algorithm that was not asked for is refused", async () => {
    expect(await reasonOf(ceremony, { algorithms: [] })).toBe("unsupported_key");
  });
});

describe("a registration", () => {
  it.each(REFUSED_REGISTRATIONS)("is refused: $name", async (ceremony) => {
    const reason = /Origin/.test(ceremony.name) ? "cross_origin" : "unsupported_key";
    expect(await reasonOf(ceremony)).toBe(reason);
  });

  it("keeps the transports that WebAuthn defines, each once", async () => {
    const [ceremony] = REGISTRATIONS;
    if (!ceremony) throw new Error("no registration");
    const input = registrationInput(ceremony);
    const credential = structuredClone(input.credential) as { response: { transports?: unknown } };
    credential.response.transports = ["internal", "usb", "telepathy", "usb"];
    const verdict = await verifyRegistration({ ...input, credential });
    expect(verdict).toMatchObject({ transports: ["usb", "internal"] });
    credential.response.transports = "usb";
    const refused = await verifyRegistration({ ...input, credential });
    expect(refused).toEqual({ isVerified: false, reason: "malformed_credential" });
  });

  it("with any byte of its attestation object changed is refused or verified, and never an exception", async () => {
    for (const ceremony of REGISTRATIONS.slice(0, 6)) {
      const { byteLength } = base64url.decode(ceremony.attestationObject);
      for (let index = 0; index < byteLength; index += 5) {
        for (const value of [0x00, 0x1f, 0x5f, 0x7f, 0x9b, 0xbf, 0xdb, 0xff]) {
          const changed = withObject((bytes) => bytes.with(index, value))(ceremony);
          expect(["string", "undefined"]).toContain(typeof (await reasonOf(changed)));
        }
      }
    }
  });
});
