import { describe, expect, it } from "vitest";
import { isNotModified, parseIfMatch, toETag } from "../../src/http/etag.ts";

const CURRENT = { id: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11", version: 7 };
const TAG = '"7-2b8f0d6c1e11"';
const OTHERS = ['"6-2b8f0d6c1e11"', '"7-2b8f0d6c1e12"', '"7"', "7-2b8f0d6c1e11", "", '"*"'];

describe("entity tags", () => {
  it("contain the version and the resource id", () => {
    expect(toETag(CURRENT)).toBe(TAG);
  });

  it("match If-Match strongly, in a list and with *", () => {
    expect(parseIfMatch(undefined)).toBeUndefined();
    const matches = (header: string) => parseIfMatch(header)?.(CURRENT);
    for (const header of [TAG, `"6", ${TAG}`, `"6",${TAG}`, "*", ` ${TAG} `])
      expect(matches(header), header).toBe(true);
    for (const header of [...OTHERS, `W/${TAG}`]) expect(matches(header), header).toBe(false);
  });

  it("match If-None-Match weakly", () => {
    for (const header of [TAG, `W/${TAG}`, `"6", W/${TAG}`, "*"])
      expect(isNotModified(header, CURRENT), header).toBe(true);
    for (const header of [undefined, ...OTHERS, `w/${TAG}`])
      expect(isNotModified(header, CURRENT), header).toBe(false);
  });
});
