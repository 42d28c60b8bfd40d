import { base64url } from "jose";
import { describe, expect, it } from "vitest";
import { readAssertion, verifyAssertion } from "../../src/lib/webauthn/assertion.ts";
import type { CoseAlgorithm } from "../../src/lib/webauthn/public-key.ts";
import { type Assertion, assertionInput, changeBytes, flip, loadAssertions } from "./ceremonies.ts";
import { ASSERTION_FORGERIES, withAssertedAuthData } from "./forgeries.ts";

const ASSERTIONS = await loadAssertions();
const FLAGS = 32;
const BE = 0x08;
const BS = 0x10;

async function reasonOf(ceremony: Assertion, expected = {}): Promise<string | undefined> {
  const verdict = await verifyAssertion(assertionInput(ceremony, expected));
  return verdict.isVerified ? undefined : verdict.reason;
}

function flagsOf({ authenticatorData }: Assertion): number {
  return base64url.decode(authenticatorData)[FLAGS] ?? 0;
}

/** Another key of the same algorithm. */
function keyOfAnother({ stored }: Assertion): string | undefined {
  return ASSERTIONS.find(
    (other) =>
      other.stored.algorithm === stored.algorithm && other.stored.publicKey !== stored.publicKey,
  )?.stored.publicKey;
}

describe.each(ASSERTIONS)("an assertion: $name", (ceremony) => {
  it("is verified with the key that was registered", async () => {
    expect(await verifyAssertion(assertionInput(ceremony))).toMatchObject({
      isVerified: true,
      hasRegressed: false,
      challenge: { id: "minted", expiresAt: 1 },
      isUserVerified: (flagsOf(ceremony) & 0x04) !== 0,
      isBackedUp: (flagsOf(ceremony) & BS) !== 0,
    });
  });

  it.each(ASSERTION_FORGERIES)("with %s is refused", async (_, forge, reason) => {
    expect(await reasonOf(forge(ceremony))).toBe(reason);
  });

  it("with the other backup state is refused", async () => {
    const forged = withAssertedAuthData((text) => flip(text, FLAGS, BS))(ceremony);
    const isEligible = (flagsOf(ceremony) & BE) !== 0;
    expect(await reasonOf(forged)).toBe(
      isEligible ? "wrong_signature" : "inconsistent_backup_flags",
    );
  });

  it("with authenticator data cut anywhere is refused", async () => {
    const { byteLength } = base64url.decode(ceremony.authenticatorData);
    for (let end = 0; end < byteLength; end += 1) {
      const forged = withAssertedAuthData((text) =>
        changeBytes(text, (bytes) => bytes.slice(0, end)),
      );
      expect(await reasonOf(forged(ceremony))).toBe("malformed_authenticator_data");
    }
  });

  it("does not verify with another key of the same algorithm", async () => {
    const publicKey = keyOfAnother(ceremony);
    if (!publicKey) throw new Error("no other key");
    const forged = { ...ceremony, stored: { ...ceremony.stored, publicKey } };
    expect(await reasonOf(forged)).toBe("wrong_signature");
  });

  it("does not verify with its key under another algorithm", async () => {
    const others = ([-7, -8, -257] as CoseAlgorithm[]).filter(
      (algorithm) => algorithm !== ceremony.stored.algorithm,
    );
    for (const algorithm of others) {
      const forged = { ...ceremony, stored: { ...ceremony.stored, algorithm } };
      const result = await reasonOf(forged).catch(() => "not a key of this algorithm");
      expect(["wrong_signature", "not a key of this algorithm"]).toContain(result);
    }
  });

  it("without user verification is refused where that is required", async () => {
    const isVerified = (flagsOf(ceremony) & 0x04) !== 0;
    const reason = await reasonOf(ceremony, { requireUserVerification: true });
    expect(reason).toBe(isVerified ? undefined : "user_not_verified");
  });

  it("is refused for an origin that only starts alike", async () => {
    const origins = [`${ceremony.origin}.example`, ceremony.origin.slice(0, -1), "*", ""];
    expect(await reasonOf(ceremony, { origins })).toBe("wrong_origin");
  });
});

describe("an assertion", () => {
  const [ceremony] = ASSERTIONS;
  if (!ceremony) throw new Error("no assertion");
  const { credential } = assertionInput(ceremony);

  it("with any bit of what is signed, or of the signature, flipped is refused", async () => {
    for (const member of ["authenticatorData", "clientDataJSON", "signature"] as const) {
      const { byteLength } = base64url.decode(ceremony[member]);
      for (let bit = 0; bit < byteLength * 8; bit += 3) {
        const forged = { ...ceremony, [member]: flip(ceremony[member], bit >> 3, 1 << (bit & 7)) };
        expect(await reasonOf(forged)).toBeTypeOf("string");
      }
    }
  });

  it.each([
    ["nothing", undefined],
    ["null", null],
    ["a text", "credential"],
    ["an array", []],
    ["no response", { id: "AAAA", rawId: "AAAA", type: "public-key" }],
    ["another type", { ...Object(credential), type: "password" }],
    ["a rawId that is not its id", { ...Object(credential), rawId: "AAAA" }],
    ["a response of numbers", { ...Object(credential), response: { clientDataJSON: 1 } }],
    [
      "a signature of megabytes",
      {
        ...Object(credential),
        response: { ...Object(credential).response, signature: "A".repeat(1 << 20) },
      },
    ],
  ])("that is %s is malformed, and nothing is read from it", async (_, malformed) => {
    const input = assertionInput(ceremony, { credential: malformed });
    expect(await verifyAssertion(input)).toEqual({
      isVerified: false,
      reason: "malformed_credential",
    });
    expect(readAssertion(malformed)).toBeUndefined();
  });

  it("tells which credential, person and challenge it claims", () => {
    const response = { ...Object(credential).response, userHandle: "AAECAw" };
    expect(readAssertion({ ...Object(credential), response, more: 1 })).toEqual({
      credentialId: ceremony.id,
      userHandle: "AAECAw",
      challenge: ceremony.challenge,
    });
    expect(readAssertion(credential)).toMatchObject({ userHandle: undefined });
  });

  it("whose client data are malformed claims nothing", () => {
    const response = { ...Object(credential).response, clientDataJSON: "e30" };
    expect(readAssertion({ ...Object(credential), response })).toBeUndefined();
  });
});
