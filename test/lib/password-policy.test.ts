import { describe, expect, it } from "vitest";
import { COMMON_PASSWORDS } from "../../src/lib/common-passwords.ts";
import { PASSWORD_RULES, type PasswordOwner } from "../../src/lib/password-policy.ts";
import { countCodePoints, toComparisonKey } from "../../src/lib/text.ts";

const codesOf = (password: string, owner: PasswordOwner = {}) =>
  PASSWORD_RULES.filter(({ allows }) => !allows(password, owner)).map(({ code }) => code);

describe("the list of common passwords", () => {
  it("contains at least 3,000 entries, each long enough to be chosen and in comparison form", () => {
    expect(COMMON_PASSWORDS.size).toBeGreaterThanOrEqual(3000);
    for (const password of COMMON_PASSWORDS) {
      expect(countCodePoints(password)).toBeGreaterThanOrEqual(8);
      expect(toComparisonKey(password)).toBe(password);
    }
  });

  it.each([
    "password",
    "password1",
    "password123",
    "12345678",
    "123456789",
    "1234567890",
    "qwerty123",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "superman",
    "trustno1",
    "1q2w3e4r",
    "11111111",
    "baseball",
    "starwars",
    "letmein1",
  ])("contains %s", (password) => {
    expect(codesOf(password)).toContain("too_common");
  });

  it("is refused in any case and in full width", () => {
    for (const password of COMMON_PASSWORDS) {
      expect(codesOf(password)).toEqual(["too_common"]);
      expect(codesOf(password.toUpperCase())).toEqual(["too_common"]);
    }
    expect(codesOf("ＰＡＳＳＷＯＲＤ１２３")).toEqual(["too_common"]);
  });

  it("does not contain SecurePass123!", () => {
    expect(codesOf("SecurePass123!")).toEqual([]);
  });
});

describe("the owner's names", () => {
  it.each([
    [{ username: "lovelace" }, "xx Lovelace xx", "contains_username"],
    [{ username: " Lovelace " }, "xxlovelacexx", "contains_username"],
    [{ username: "lovelace" }, "ＬＯＶＥＬＡＣＥ 1815", "contains_username"],
    [{ email: "countess@example.com" }, "The Countess 1", "contains_email"],
    [{ email: "ada.k@example.com" }, "12 ADA.K 3456", "contains_email"],
  ])("%j are refused in %s", (owner, password, code) => {
    expect(codesOf(password, owner)).toEqual([code]);
  });

  it.each([
    [{ username: "ab" }, "cab drabs fab"],
    [{ email: "a@example.com" }, "a banana a day"],
    [{ email: "ada@example.com" }, "example.com 77"],
    [{ username: 7, email: null }, "7 null values"],
    [{}, "correct horse battery"],
  ])("%j do not prevent %s", (owner, password) => {
    expect(codesOf(password, owner)).toEqual([]);
  });
});
