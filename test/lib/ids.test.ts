import { describe, expect, it } from "vitest";
import { newId, parseId } from "../../src/lib/ids.ts";

describe("ids", () => {
  it("sort by creation time and are parsed in either case", () => {
    const ids = Array.from({ length: 200 }, () => newId());
    expect([...ids].sort()).toEqual(ids);
    expect(parseId((ids[0] ?? "").toUpperCase())).toBe(ids[0]);
  });

  it.each([
    "",
    "me",
    "0198f3c27d3e7c419f2a2b8f0d6c1e11",
    "{0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11}",
    "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11\n",
    "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e1g",
    "K198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11",
  ])("are not %j", (text) => {
    expect(parseId(text)).toBeUndefined();
  });
});
