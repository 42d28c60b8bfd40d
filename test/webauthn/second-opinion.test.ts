import { encodeCBOR } from "@levischuck/tiny-cbor";
import {
  type VerifyAuthenticationResponseOpts,
  type VerifyRegistrationResponseOpts,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import { base64url } from "jose";
import { describe, expect, it } from "vitest";
import { type AssertionInput, verifyAssertion } from "../../src/lib/webauthn/assertion.ts";
import { decodeCborMap } from "../../src/lib/webauthn/cbor.ts";
import {
  createAuthenticationOptions,
  createRegistrationOptions,
} from "../../src/lib/webauthn/options.ts";
import { COSE_ALGORITHMS } from "../../src/lib/webauthn/public-key.ts";
import { type RegistrationInput, verifyRegistration } from "../../src/lib/webauthn/registration.ts";
import { type Behaviour, createAuthenticator } from "../support/authenticator.ts";
import {
  assertionInput,
  expectations,
  loadAssertions,
  REGISTRATIONS,
  type Registration,
  registeredKey,
  registrationInput,
} from "./ceremonies.ts";
import { ASSERTION_FORGERIES, REGISTRATION_FORGERIES } from "./forgeries.ts";

/** What SimpleWebAuthn accepts in some ceremonies, and we, following the specification, in none. */
const STRICTER = {
  registrations: new Set([
    "crossOrigin",
    "a crossOrigin that is no boolean",
    "a topOrigin",
    "a credential id of 1,024 bytes",
    "another credential id",
    "bytes behind the attestation object",
  ]),
  assertions: new Set([
    "another credential id",
    "authenticator data that are not base64url",
    "a signature with its first bit flipped",
    "a signature with a byte behind",
    "a signature that is not base64url",
  ]),
};

const CHALLENGE = "AAECAwQFBgcICQoLDA0ODw";
const SITE = { challenge: CHALLENGE, origin: "https://roster.test", rpId: "roster.test" };

const ASSERTIONS = await loadAssertions();

/** Both verdicts, ours first. */
async function judgeRegistration(input: RegistrationInput, challenge: string): Promise<boolean[]> {
  const theirs = verifyRegistrationResponse({
    response: input.credential as VerifyRegistrationResponseOpts["response"],
    expectedChallenge: challenge,
    expectedOrigin: [...input.origins],
    expectedRPID: input.rpId,
    requireUserVerification: input.requireUserVerification,
    supportedAlgorithmIDs: [...COSE_ALGORITHMS],
  });
  const isVerified = await theirs.then(({ verified }) => verified).catch(() => false);
  return [(await verifyRegistration(input)).isVerified, isVerified];
}

async function judgeAssertion(
  input: AssertionInput,
  challenge: string,
  coseKey: string,
): Promise<boolean[]> {
  const { credentialId, signCount } = input.stored;
  const theirs = verifyAuthenticationResponse({
    response: input.credential as VerifyAuthenticationResponseOpts["response"],
    expectedChallenge: challenge,
    expectedOrigin: [...input.origins],
    expectedRPID: input.rpId,
    requireUserVerification: input.requireUserVerification,
    credential: {
      id: credentialId,
      publicKey: Uint8Array.from(base64url.decode(coseKey)),
      counter: signCount,
    },
  });
  const isVerified = await theirs.then(({ verified }) => verified).catch(() => false);
  return [(await verifyAssertion(input)).isVerified, isVerified];
}

/** The same ceremony with attestation `none`: SimpleWebAuthn evaluates statements, and their certificates expire. */
function withoutAttestation(ceremony: Registration): Registration {
  const decoded = decodeCborMap(base64url.decode(ceremony.attestationObject));
  const map = new Map(decoded?.map).set("fmt", "none").set("attStmt", new Map());
  return { ...ceremony, attestationObject: base64url.encode(encodeCBOR(map)) };
}

describe("SimpleWebAuthn's verdict", () => {
  it.each(REGISTRATIONS)("accepts the registration $name, as we do", async (ceremony) => {
    const input = registrationInput(withoutAttestation(ceremony));
    expect(await judgeRegistration(input, ceremony.challenge)).toEqual([true, true]);
  });

  it.each(REGISTRATION_FORGERIES)("on registrations with %s", async (name, forge) => {
    const verdicts = REGISTRATIONS.map((ceremony) => {
      const input = registrationInput(forge(withoutAttestation(ceremony)));
      return judgeRegistration(input, ceremony.challenge);
    });
    expectRefusals(await Promise.all(verdicts), STRICTER.registrations.has(name));
  });

  it.each(ASSERTIONS)("accepts the assertion $name, as we do", async (ceremony) => {
    const input = assertionInput(ceremony);
    expect(await judgeAssertion(input, ceremony.challenge, ceremony.coseKey)).toEqual([true, true]);
  });

  it.each(ASSERTION_FORGERIES)("on assertions with %s", async (name, forge) => {
    const verdicts = ASSERTIONS.map((ceremony) => {
      const input = assertionInput(forge(ceremony));
      return judgeAssertion(input, ceremony.challenge, ceremony.coseKey);
    });
    expectRefusals(await Promise.all(verdicts), STRICTER.assertions.has(name));
  });
});

function expectRefusals(verdicts: boolean[][], isStricter: boolean): void {
  expect(verdicts.some(([ours]) => ours)).toBe(false);
  expect(verdicts.some(([, theirs]) => theirs)).toBe(isStricter);
}

/** What the software authenticator may do, and the verdicts on both of its ceremonies. */
const BEHAVIOURS: [string, Partial<Behaviour>, verdicts: [ours: boolean, theirs: boolean]][] = [
  ["nothing unusual", {}, [true, true]],
  ["extension outputs", { extensions: new Map([["credProtect", 2]]) }, [true, true]],
  ["the user absent", { isUserPresent: false }, [false, false]],
  ["no user verification", { isUserVerified: false }, [false, false]],
  ["a backup without eligibility", { isBackupEligible: false }, [false, false]],
  ["another origin", { origin: "https://roster.example" }, [false, false]],
  ["another RP ID", { rpId: "roster.example" }, [false, false]],
  ["another challenge", { clientData: { challenge: "AAAA" } }, [false, false]],
  ["another type", { clientData: { type: "payment.get" } }, [false, false]],
  ["bytes behind its data", { trailing: Uint8Array.of(0) }, [false, false]],
  ["crossOrigin", { clientData: { crossOrigin: true } }, [false, true]],
];

describe.each(COSE_ALGORITHMS)(
  "both verdicts on an authenticator with algorithm %i",
  (algorithm) => {
    it.each(BEHAVIOURS)("and %s", async (_, behaviour, verdicts) => {
      const authenticator = createAuthenticator({ algorithm });
      const expected = { ...expectations(SITE), requireUserVerification: true };
      const rules = { challenge: CHALLENGE, userVerification: "required", timeoutMs: 1 } as const;
      const user = { id: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11", name: "ada", displayName: "Ada" };
      const rp = { id: SITE.rpId, name: "Roster" };
      const options = createRegistrationOptions({ rp, user, exclude: [], ...rules });
      const sound = { ...expected, algorithms: COSE_ALGORITHMS };

      const odd = await createAuthenticator({ algorithm }).register(options, behaviour);
      expect(await judgeRegistration({ ...sound, credential: odd }, CHALLENGE)).toEqual(verdicts);

      const credential = await authenticator.register(options);
      const stored = await verifyRegistration({ ...sound, credential });
      if (!stored.isVerified) throw new Error(stored.reason);
      const request = createAuthenticationOptions({ rpId: SITE.rpId, allow: [], ...rules });
      const assertion = await authenticator.authenticate(request, behaviour);
      const key = registeredKey(credential.response.attestationObject);
      const input = { ...expected, stored, credential: assertion };
      expect(await judgeAssertion(input, CHALLENGE, key)).toEqual(verdicts);
    });
  },
);
