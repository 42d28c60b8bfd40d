import { describe, expect, it } from "vitest";
import { isNotModified, parseIfMatch, toETag } from "../../src/http/etag.ts";

describe("entity tags", () => {
  it("match If-Match strongly, in a list and by *", () => {
    expect(parseIfMatch(undefined)).toBeUndefined();
    const matches = (header: string, version: number) => parseIfMatch(header)?.(version);
    expect(toETag(7)).toBe('"7"');
    for (const header of ['"7"', '"6", "7"', '"6","7"', "*", ' "7" '])
      expect(matches(header, 7)).toBe(true);
    for (const header of ['"6"', 'W/"7"', "7", "", '"77"', '"*"'])
      expect(matches(header, 7)).toBe(false);
  });

  it("match If-None-Match weakly", () => {
    for (const header of ['"7"', 'W/"7"', '"6", W/"7"', "*"])
      expect(isNotModified(header, 7)).toBe(true);
    for (const header of [undefined, "", '"6"', "7", 'w/"7"'])
      expect(isNotModified(header, 7)).toBe(false);
  });
});
