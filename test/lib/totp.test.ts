import { describe, expect, it } from "vitest";
import { BASE32, encodeBase32 } from "../../src/lib/base32.ts";
import { utf8 } from "../../src/lib/bytes.ts";
import { hashRecoveryCode, mintRecoveryCodes } from "../../src/lib/recovery-code.ts";
import {
  encodeTotpSecret,
  findTotpStep,
  mintTotpSecret,
  toOtpauthUrl,
} from "../../src/lib/totp.ts";

const RFC_SECRET = utf8("12345678901234567890");

describe("base32", () => {
  // RFC 4648 section 10, without the padding.
  it.each([
    ["", ""],
    ["f", "MY"],
    ["fo", "MZXQ"],
    ["foo", "MZXW6"],
    ["foob", "MZXW6YQ"],
    ["fooba", "MZXW6YTB"],
    ["foobar", "MZXW6YTBOI"],
  ])("of %o is %o", (text, encoded) => {
    expect(encodeBase32(new TextEncoder().encode(text), BASE32)).toBe(encoded);
  });
});

describe("a code of an authenticator app", () => {
  // RFC 6238 appendix B, SHA-1, of which the last six of eight digits are used.
  const VECTORS: [seconds: number, code: string][] = [
    [59, "287082"],
    [1111111109, "081804"],
    [1111111111, "050471"],
    [1234567890, "005924"],
    [2000000000, "279037"],
    [20000000000, "353130"],
  ];

  it.each(VECTORS)("at %i seconds is %s", async (seconds, code) => {
    const now = seconds * 1000;
    const step = Math.floor(seconds / 30);
    expect(await findTotpStep(RFC_SECRET, code, { now, after: null })).toBe(step);
  });

  it("is valid one step before and after its own, and not two", async () => {
    const at = (seconds: number) =>
      findTotpStep(RFC_SECRET, "005924", { now: seconds * 1000, after: null });
    const step = Math.floor(1234567890 / 30);
    const found = [-60, -30, 0, 30, 60].map((offset) => at(step * 30 + offset));
    expect(await Promise.all(found)).toEqual([undefined, step, step, step, undefined]);
  });

  it("is valid only after the last step that was accepted", async () => {
    const now = 1234567890_000;
    const step = Math.floor(1234567890 / 30);
    const find = (after: number) => findTotpStep(RFC_SECRET, "005924", { now, after });
    expect(await find(step - 1)).toBe(step);
    expect(await find(step)).toBeUndefined();
    expect(await find(step + 1)).toBeUndefined();
  });

  it("may contain spaces, and nothing else but six digits", async () => {
    const find = (code: string) => findTotpStep(RFC_SECRET, code, { now: 59_000, after: null });
    expect(await find(" 287 082")).toBe(1);
    for (const code of ["", "28708", "2870820", "0287082", "287082.0", "+287082", "２８７０８２"]) {
      expect(await find(code), code).toBeUndefined();
    }
  });
});

describe("a new secret", () => {
  it("has 160 random bits", () => {
    const secrets = Array.from({ length: 20 }, () => encodeTotpSecret(mintTotpSecret()));
    expect(new Set(secrets).size).toBe(20);
    for (const secret of secrets) expect(secret).toMatch(/^[A-Z2-7]{32}$/);
  });

  it("is in a URL for apps, whose names are encoded", () => {
    const url = toOtpauthUrl(RFC_SECRET, "Müller & Co: Staff", "ada.l");
    expect(url).toBe(
      "otpauth://totp/M%C3%BCller%20%26%20Co%3A%20Staff:ada.l?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" +
        "&issuer=M%C3%BCller%20%26%20Co%3A%20Staff&algorithm=SHA1&digits=6&period=30",
    );
  });
});

describe("recovery codes", () => {
  it("are ten, of 80 random bits in groups of four, without letters that look like digits", () => {
    const codes = mintRecoveryCodes();
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) {
      expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$/);
    }
  });

  it("are the same in any case, with any separators, and with letters that look like digits", async () => {
    const hash = await hashRecoveryCode("4k7d-q2m9-x0vb-1n3e");
    for (const typed of ["4K7DQ2M9X0VB1N3E", "4k7d q2m9 x0vb 1n3e\n", "4k7d–q2m9_xovb.In3e"]) {
      expect(await hashRecoveryCode(typed)).toBe(hash);
    }
    expect(await hashRecoveryCode("4k7d-q2m9-x0vb-1n3f")).not.toBe(hash);
  });
});
