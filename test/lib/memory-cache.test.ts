import { describe, expect, it } from "vitest";
import { MemoryCache } from "../../src/lib/memory-cache.ts";

describe("MemoryCache", () => {
  it("keeps a value for exactly its TTL", () => {
    const cache = new MemoryCache<number>(10, 5000);
    cache.set("a", 1, 100);
    expect(cache.get("a", 5099)).toBe(1);
    expect(cache.get("a", 5100)).toBeUndefined();
    expect(cache.get("b", 100)).toBeUndefined();
  });

  it("keeps the value set last, for a new TTL", () => {
    const cache = new MemoryCache<number>(10, 5000);
    cache.set("a", 1, 0);
    cache.set("a", 2, 3000);
    expect(cache.get("a", 7999)).toBe(2);
  });

  it("keeps a value for its own TTL if it has one", () => {
    const cache = new MemoryCache<number>(10, 5000);
    cache.set("a", 1, 0, 60_000);
    expect(cache.get("a", 59_999)).toBe(1);
    expect(cache.get("a", 60_000)).toBeUndefined();
  });

  it("never holds more than its limit: the entry used longest ago goes", () => {
    const cache = new MemoryCache<number>(2, 5000);
    cache.set("a", 1, 0);
    cache.set("b", 2, 0);
    cache.set("a", 3, 0);
    cache.set("c", 4, 0);
    expect(["a", "b", "c"].map((key) => cache.get(key, 1))).toEqual([3, undefined, 4]);
    // The reads above count as uses: "c" is the latest.
    expect(cache.get("a", 1)).toBe(3);
    cache.set("d", 5, 0);
    expect(["a", "c", "d"].map((key) => cache.get(key, 1))).toEqual([3, undefined, 5]);
    for (let i = 0; i < 1000; i += 1) cache.set(`k${i}`, i, 0);
    const kept = Array.from({ length: 1000 }, (_, i) => cache.get(`k${i}`, 1));
    expect(kept.filter((value) => value !== undefined)).toEqual([998, 999]);
  });

  it("stores falsy values", () => {
    const cache = new MemoryCache<number | null>(2, 10);
    cache.set("zero", 0, 0);
    cache.set("null", null, 0);
    expect([cache.get("zero", 1), cache.get("null", 1)]).toEqual([0, null]);
  });
});
