import { describe, expect, it } from "vitest";
import {
  createAuthenticationOptions,
  createRegistrationOptions,
  toUserHandle,
} from "../../src/lib/webauthn/options.ts";

const USER_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";
const HANDLE = "AZjzwn0-fEGfKiuPDWweEQ";

describe("options", () => {
  it("of a registration ask for a discoverable credential, without attestation", () => {
    const options = createRegistrationOptions({
      rp: { id: "example.com", name: "Example" },
      user: { id: USER_ID, name: "ada@example.com", displayName: "Ada" },
      challenge: "AAAA",
      exclude: [
        { credentialId: "AQID", transports: ["internal"] },
        { credentialId: "BAUG", transports: [] },
      ],
      userVerification: "required",
      timeoutMs: 300_000,
    });
    expect(options).toEqual({
      rp: { id: "example.com", name: "Example" },
      user: { id: HANDLE, name: "ada@example.com", displayName: "Ada" },
      challenge: "AAAA",
      pubKeyCredParams: [
        { type: "public-key", alg: -8 },
        { type: "public-key", alg: -7 },
        { type: "public-key", alg: -257 },
      ],
      timeout: 300_000,
      excludeCredentials: [
        { type: "public-key", id: "AQID", transports: ["internal"] },
        { type: "public-key", id: "BAUG" },
      ],
      authenticatorSelection: {
        residentKey: "required",
        requireResidentKey: true,
        userVerification: "required",
      },
      attestation: "none",
    });
  });

  it("of an assertion name the credentials that are allowed, or none for any discoverable one", () => {
    const input = {
      rpId: "example.com",
      challenge: "AAAA",
      userVerification: "preferred",
      timeoutMs: 60_000,
    } as const;
    const expected = {
      rpId: "example.com",
      challenge: "AAAA",
      timeout: 60_000,
      userVerification: "preferred",
    };
    const allow = [{ credentialId: "AQID", transports: ["usb"] }];
    expect(createAuthenticationOptions({ ...input, allow })).toEqual({
      ...expected,
      allowCredentials: [{ type: "public-key", id: "AQID", transports: ["usb"] }],
    });
    expect(createAuthenticationOptions({ ...input, allow: [] })).toEqual({
      ...expected,
      allowCredentials: [],
    });
  });
});

describe("a user handle", () => {
  it("is the person's id in 22 characters", () => {
    expect(toUserHandle(USER_ID)).toBe(HANDLE);
  });
});
