import { describe, expect, it } from "vitest";
import {
  countCodePoints,
  isVisibleText,
  normalizeEmail,
  normalizeName,
  normalizeUsername,
  toComparisonKey,
} from "../../src/lib/text.ts";

const keyOf = (text: string) => toComparisonKey(normalizeUsername(text));

describe("the comparison form of names", () => {
  it.each([
    ["Ada", "ada"],
    [" ada ", "ada"],
    ["ＡＤＡ", "ada"],
    ["\u212Aelvin", "kelvin"],
    ["o\uFB03ce", "office"],
    ["\u{1D400}da", "ada"],
    ["ad\u00AA", "ada"],
    ["A@X.example", "a@x.example"],
  ])("of %s is %s", (text, key) => {
    expect(keyOf(text)).toBe(key);
  });

  it.each([
    ["İ", "i"],
    ["ı", "i"],
    ["ß", "ss"],
    ["а", "a"],
    ["é", "e"],
  ])("distinguishes %s from %s", (one, other) => {
    expect(keyOf(one)).not.toBe(other);
  });

  it("is idempotent", () => {
    for (const text of ["ＡＤＡ", "\u212A", "İ", "ﬃ", "ǅ", "ẞ", "Ω", "\u1E9B\u0323"]) {
      expect(keyOf(keyOf(text))).toBe(keyOf(text));
    }
  });
});

describe("normalisation", () => {
  it("trims an email without folding", () => {
    expect(normalizeEmail(" Ada@Example.com ")).toBe("Ada@Example.com");
    expect(normalizeEmail("a\uFF20b")).toBe("a\uFF20b");
  });

  it("composes a personal name and keeps compatibility forms", () => {
    expect(normalizeName(" Zoe\u0308 ")).toBe("Zo\u00eb");
    expect(normalizeName("ﬃ")).toBe("ﬃ");
  });

  it("counts code points", () => {
    expect(countCodePoints("a\u{1F600}é")).toBe(3);
  });
});

describe("isVisibleText", () => {
  it.each([
    "Ada",
    "Zoë",
    "O'Brien-Şahin",
    "李 小龍",
    "नर्\u200Dस",
    "می\u200Cخواهم",
    "\u{1F468}\u200D\u{1F469}",
    "",
  ])("accepts %s", (text) => {
    expect(isVisibleText(text)).toBe(true);
  });

  it.each([
    "\u0000",
    "a\nb",
    "a\rb",
    "a\tb",
    "\u007F",
    "\u0085",
    "\u200B",
    "\u200E",
    "\u202E",
    "\u2028",
    "\u2029",
    "\u2066",
    "\uFEFF",
    "\u00AD",
    "\uD800",
    "a\uDC00",
  ])("refuses %j", (text) => {
    expect(isVisibleText(`x${text}y`)).toBe(false);
  });
});
