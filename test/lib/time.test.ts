import { describe, expect, it } from "vitest";
import { toTimestamp } from "../../src/lib/time.ts";

describe("timestamps", () => {
  it.each([
    "0001-01-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
    "1970-01-01T00:00:00.000Z",
    "2000-02-29T09:05:07.009Z",
    "2026-09-30T23:59:59.999Z",
    "2026-11-22T17:40:10.010Z",
    "2100-12-01T10:10:10.100Z",
    "9999-12-31T23:59:59.099Z",
    "+010000-01-01T00:00:00.000Z",
  ])("are those of ISO 8601: %s", (text) => {
    expect(toTimestamp(Date.parse(text))).toBe(text);
  });
});
