import { describe, expect, it } from "vitest";
import { findLanguage } from "../../src/lib/languages.ts";

describe("findLanguage", () => {
  it.each([
    ["de", "de"],
    ["de-AT", "de"],
    ["DE-at", "de"],
    ["de-Latn-CH-1996", "de"],
    ["de-DE-u-co-phonebk", "de"],
    ["pt-BR", "pt-BR"],
    ["pt-br-abl1943", "pt-BR"],
    ["pt-PT", "pt"],
    // Replaced by Unicode CLDR.
    ["iw", "he"],
  ])("finds for %s, by the lookup of RFC 4647, %s", (tag, language) => {
    expect(findLanguage([tag], ["en", "de", "pt", "pt-BR", "he"])).toBe(language);
  });

  it.each([
    ["another language", "fr-CH"],
    ["a language that begins alike", "den"],
    ["a wildcard", "*"],
    ["nothing", ""],
    ["a malformed tag", "de_AT"],
    ["a malformed subtag", "de-"],
    ["a private tag", "x-de"],
    ["a member of every object", "constructor"],
    ["a tag that is too long", `de-${"abcdefgh-".repeat(4)}a`],
  ])("finds nothing for %s", (_, tag) => {
    expect(findLanguage([tag], ["en", "de"])).toBeUndefined();
  });

  it("takes the first tag that has a language", () => {
    expect(findLanguage(["fr", "???", "de-CH", "en"], ["en", "de"])).toBe("de");
    expect(findLanguage([], ["en", "de"])).toBeUndefined();
  });
});
