import { describe, expect, it } from "vitest";
import { verifyAssertion } from "../../src/lib/webauthn/assertion.ts";
import { mintChallenge, verifyChallenge } from "../../src/lib/webauthn/challenge.ts";
import {
  createAuthenticationOptions,
  createRegistrationOptions,
  toUserHandle,
} from "../../src/lib/webauthn/options.ts";
import { COSE_ALGORITHMS, type CoseAlgorithm } from "../../src/lib/webauthn/public-key.ts";
import { verifyRegistration } from "../../src/lib/webauthn/registration.ts";
import { type Behaviour, createAuthenticator } from "../support/authenticator.ts";
import { macKeys } from "./keys.ts";

const ORIGIN = "https://roster.test";
const RP = { id: "roster.test", name: "Roster" };
const NOW = 1_800_000_000_000;
const USER = {
  id: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11",
  name: "ada@example.com",
  displayName: "Ada",
};
const KEYS = await macKeys("A");

/** What the routes do: options with a minted challenge, a ceremony, a verdict. */
async function registerPasskey(
  authenticator: ReturnType<typeof createAuthenticator>,
  changes: Partial<Behaviour> = {},
) {
  const scope = { purpose: "register", userId: USER.id } as const;
  const challenge = await mintChallenge({ ...scope, expiresAt: NOW + 1 }, KEYS);
  const options = createRegistrationOptions({
    rp: RP,
    user: USER,
    challenge,
    exclude: [],
    userVerification: "required",
    timeoutMs: 300_000,
  });
  return verifyRegistration({
    credential: await authenticator.register(options, changes),
    verifyChallenge: (text) => verifyChallenge(text, scope, KEYS, NOW),
    origins: [ORIGIN],
    rpId: RP.id,
    requireUserVerification: true,
    algorithms: COSE_ALGORITHMS,
  });
}

async function assertPasskey(
  authenticator: ReturnType<typeof createAuthenticator>,
  stored: Parameters<typeof verifyAssertion>[0]["stored"],
  changes: Partial<Behaviour> = {},
) {
  const challenge = await mintChallenge({ purpose: "login", expiresAt: NOW + 1 }, KEYS);
  const options = createAuthenticationOptions({
    rpId: RP.id,
    challenge,
    allow: [],
    userVerification: "required",
    timeoutMs: 300_000,
  });
  return verifyAssertion({
    credential: await authenticator.authenticate(options, changes),
    stored,
    verifyChallenge: (text) => verifyChallenge(text, { purpose: "login" }, KEYS, NOW),
    origins: [ORIGIN],
    rpId: RP.id,
    requireUserVerification: true,
  });
}

async function registered(
  authenticator: ReturnType<typeof createAuthenticator>,
  changes: Partial<Behaviour> = {},
) {
  const verdict = await registerPasskey(authenticator, changes);
  if (!verdict.isVerified) throw new Error(verdict.reason);
  return verdict;
}

describe.each([
  ["ES256", -7],
  ["EdDSA", -8],
  ["RS256", -257],
] as [string, CoseAlgorithm][])("a passkey with %s", (_, algorithm) => {
  it("is registered and logs in", async () => {
    const authenticator = createAuthenticator({ algorithm });
    const stored = await registered(authenticator);
    expect(stored).toMatchObject({
      algorithm,
      signCount: 0,
      isUserVerified: true,
      isBackupEligible: true,
      isBackedUp: true,
      transports: ["hybrid", "internal"],
      aaguid: "00000000-0000-0000-0000-000000000000",
      challenge: { id: expect.stringMatching(/^[\w-]{22}$/), expiresAt: NOW + 1 },
    });
    const assertion = await assertPasskey(authenticator, stored);
    expect(assertion).toMatchObject({
      isVerified: true,
      newSignCount: 0,
      hasRegressed: false,
      isUserVerified: true,
      isBackedUp: true,
    });
    if (!assertion.isVerified) return;
    expect(assertion.userHandle).toBe(toUserHandle(USER.id));
  });

  it("is refused if the signature is of another key", async () => {
    const authenticator = createAuthenticator({ algorithm });
    await registered(authenticator);
    const other = await registered(createAuthenticator({ algorithm }));
    const { credentialId } = await registered(authenticator);
    const swapped = { ...other, credentialId };
    expect(await assertPasskey(authenticator, swapped)).toEqual({
      isVerified: false,
      reason: "wrong_signature",
    });
  });

  it("without user verification, or without the user, is refused in both ceremonies", async () => {
    const authenticator = createAuthenticator({ algorithm });
    const stored = await registered(authenticator);
    const absences: [Partial<Behaviour>, string][] = [
      [{ isUserVerified: false }, "user_not_verified"],
      [{ isUserPresent: false }, "user_not_present"],
    ];
    for (const [changes, reason] of absences) {
      expect(await registerPasskey(createAuthenticator({ algorithm }), changes)).toMatchObject({
        reason,
      });
      expect(await assertPasskey(authenticator, stored, changes)).toMatchObject({ reason });
    }
  });

  it("that is backed up but not eligible, or whose eligibility changes, is refused", async () => {
    const authenticator = createAuthenticator({ algorithm });
    const reason = "inconsistent_backup_flags";
    const changes = { isBackupEligible: false };
    expect(await registerPasskey(authenticator, changes)).toMatchObject({ reason });
    const stored = await registered(authenticator);
    expect(await assertPasskey(authenticator, stored, changes)).toMatchObject({ reason });
    const bound = { ...changes, isBackedUp: false };
    expect(await assertPasskey(authenticator, stored, bound)).toMatchObject({ reason });
  });

  it("is refused for another site's RP ID or origin", async () => {
    const authenticator = createAuthenticator({ algorithm });
    const stored = await registered(authenticator);
    const sites: [Partial<Behaviour>, string][] = [
      [{ rpId: "roster.example" }, "wrong_rp_id"],
      [{ origin: "https://roster.example" }, "wrong_origin"],
      [{ clientData: { crossOrigin: true } }, "cross_origin"],
      [{ clientData: { topOrigin: ORIGIN } }, "cross_origin"],
    ];
    for (const [changes, reason] of sites) {
      expect(await registerPasskey(createAuthenticator({ algorithm }), changes)).toMatchObject({
        reason,
      });
      expect(await assertPasskey(authenticator, stored, changes)).toMatchObject({ reason });
    }
  });

  it("may send extension outputs, but nothing behind them", async () => {
    const extensions = new Map([["credProtect", 2]]);
    const authenticator = createAuthenticator({ algorithm });
    const stored = await registered(authenticator, { extensions });
    expect(await assertPasskey(authenticator, stored, { extensions })).toMatchObject({
      isVerified: true,
    });
    const trailing = Uint8Array.of(0xa0);
    const reason = "malformed_authenticator_data";
    for (const changes of [{ trailing }, { extensions, trailing }]) {
      expect(await registerPasskey(createAuthenticator({ algorithm }), changes)).toMatchObject({
        reason,
      });
      expect(await assertPasskey(authenticator, stored, changes)).toMatchObject({ reason });
    }
  });
});

describe("an assertion", () => {
  it("with the data of a registration is refused, though it is signed", async () => {
    const authenticator = createAuthenticator();
    const stored = await registered(authenticator);
    const key = Uint8Array.of(0xa0);
    const attested = Uint8Array.of(...new Uint8Array(16), 0, 1, 7, ...key);
    const changes = { extraFlags: 0x40, trailing: attested };
    expect(await assertPasskey(authenticator, stored, changes)).toEqual({
      isVerified: false,
      reason: "malformed_authenticator_data",
    });
  });
});

describe("the sign count", () => {
  it.each([
    { stored: 0, sent: 0, hasRegressed: false },
    { stored: 0, sent: 1, hasRegressed: false },
    { stored: 4, sent: 5, hasRegressed: false },
    { stored: 5, sent: 5, hasRegressed: true },
    { stored: 6, sent: 5, hasRegressed: true },
    { stored: 5, sent: 0, hasRegressed: true },
  ])(
    "$sent after $stored: regressed $hasRegressed, and never refused",
    async ({ stored, sent, hasRegressed }) => {
      const authenticator = createAuthenticator();
      const credential = { ...(await registered(authenticator)), signCount: stored };
      expect(await assertPasskey(authenticator, credential, { signCountStep: sent })).toMatchObject(
        {
          isVerified: true,
          newSignCount: sent,
          hasRegressed,
        },
      );
    },
  );
});

// Each of these let an attacker pass elsewhere what this part must refuse.
describe("advisories", () => {
  it("CVE-2026-28787: an assertion with a challenge that its sender chose is refused", async () => {
    const authenticator = createAuthenticator();
    const stored = await registered(authenticator);
    const other = await mintChallenge({ purpose: "login", expiresAt: NOW + 1 }, await macKeys("B"));
    for (const challenge of ["", "AAAA", other]) {
      expect(await assertPasskey(authenticator, stored, { clientData: { challenge } })).toEqual({
        isVerified: false,
        reason: "wrong_challenge",
      });
    }
  });

  it("CVE-2026-28787: a recorded assertion names the challenge to be spent, and is refused once that has expired", async () => {
    const authenticator = createAuthenticator();
    const stored = await registered(authenticator);
    const options = createAuthenticationOptions({
      rpId: RP.id,
      challenge: await mintChallenge({ purpose: "login", expiresAt: NOW + 1 }, KEYS),
      allow: [stored],
      userVerification: "required",
      timeoutMs: 300_000,
    });
    const credential = await authenticator.authenticate(options);
    const replay = (now: number) =>
      verifyAssertion({
        credential,
        stored,
        verifyChallenge: (text) => verifyChallenge(text, { purpose: "login" }, KEYS, now),
        origins: [ORIGIN],
        rpId: RP.id,
        requireUserVerification: true,
      });
    const [first, second] = [await replay(NOW), await replay(NOW)];
    if (!first.isVerified || !second.isVerified) throw new Error("refused");
    expect(second.challenge).toEqual(first.challenge);
    expect(await replay(NOW + 1)).toEqual({ isVerified: false, reason: "expired_challenge" });
  });
});
