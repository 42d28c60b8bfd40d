import { describe, expect, it } from "vitest";
import { openCursor, sealCursor } from "../../src/lib/cursor.ts";
import { importMacKeys } from "../../src/lib/jwk.ts";
import { jwkSet, octJwk } from "../support/tokens.ts";

async function macKeys(...names: ("A" | "B")[]): Promise<CryptoKey[]> {
  const keys = names.map((name) => octJwk(name, name.charCodeAt(0)));
  return [...(await importMacKeys(jwkSet(...keys))).values()];
}

describe("a cursor", () => {
  it("round-trips a position", async () => {
    const keys = await macKeys("A");
    for (const place of [[], [1, "id"], [null, "é＠"], [1_800_000_000_000, "x".repeat(300)]]) {
      expect(await openCursor(await sealCursor(place, "s", keys), "s", keys)).toEqual(place);
    }
  });

  it("is invalid for another list, filter or order", async () => {
    const keys = await macKeys("A");
    const cursor = await sealCursor([1], "users sort=a", keys);
    for (const scope of ["users sort=b", "users sort=a ", "", "users sort=a\n"]) {
      expect(await openCursor(cursor, scope, keys)).toBeUndefined();
    }
  });

  it("is invalid with any byte changed, removed or added", async () => {
    const keys = await macKeys("A");
    const cursor = await sealCursor([1, "id"], "s", keys);
    for (let i = 0; i < cursor.length; i += 1) {
      const other = cursor[i] === "A" ? "B" : "A";
      const changed = cursor.slice(0, i) + other + cursor.slice(i + 1);
      expect(await openCursor(changed, "s", keys)).toBeUndefined();
    }
    for (const text of [
      "",
      "A",
      cursor.slice(0, 21),
      cursor.slice(1),
      `${cursor}A`,
      `${cursor}=`,
      "%",
      "é",
    ]) {
      expect(await openCursor(text, "s", keys)).toBeUndefined();
    }
  });

  it("opens with any of the service's keys, and with no other", async () => {
    const cursor = await sealCursor([1], "s", await macKeys("A"));
    expect(await openCursor(cursor, "s", await macKeys("B", "A"))).toEqual([1]);
    expect(await openCursor(cursor, "s", await macKeys("B"))).toBeUndefined();
    expect(await openCursor(cursor, "s", [])).toBeUndefined();
  });

  it("cannot be sealed without a key", async () => {
    await expect(sealCursor([1], "s", [])).rejects.toThrow("no MAC key");
  });
});
