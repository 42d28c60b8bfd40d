import { describe, expect, it } from "vitest";
import {
  createSlidingWindow,
  incrementWindow,
  measureWindow,
  mergeCounts,
  type SlidingWindow,
} from "../../src/lib/sliding-window.ts";

const MINUTE = 60_000;

function windowAt(...times: number[]): SlidingWindow {
  const window = createSlidingWindow();
  for (const time of times) incrementWindow(window, MINUTE, time);
  return window;
}

const usedAt = (window: SlidingWindow, now: number) => measureWindow(window, MINUTE, now).used;

describe("a sliding window", () => {
  it("counts events within it, and drops each when it expires", () => {
    const window = windowAt(0, 10_000, 20_000);
    expect(usedAt(window, 59_999)).toBe(3);
    expect(usedAt(window, MINUTE)).toBe(2);
    expect(usedAt(window, MINUTE + 10_000)).toBe(1);
    expect(usedAt(window, MINUTE + 20_000)).toBe(0);
  });

  it("has no boundary at which twice the limit passes: 5 late in a minute still count early in the next", () => {
    const window = windowAt(59_000, 59_200, 59_400, 59_600, 59_800);
    expect(usedAt(window, 61_000)).toBe(5);
    expect(usedAt(window, 118_999)).toBe(5);
    expect(usedAt(window, 119_000)).toBe(0);
  });

  it("drops an event at most a sixtieth of the window early", () => {
    const window = windowAt(999);
    expect(usedAt(window, 59_999)).toBe(1);
    expect(usedAt(window, 60_000)).toBe(0);
  });

  it("returns the time until the oldest event expires, or the whole window if there is none", () => {
    const window = windowAt(0, 30_000);
    expect(measureWindow(window, MINUTE, 30_000).resetMs).toBe(30_000);
    expect(measureWindow(window, MINUTE, MINUTE).resetMs).toBe(30_000);
    expect(measureWindow(createSlidingWindow(), MINUTE, 7).resetMs).toBe(MINUTE);
  });

  it("holds at most 60 counts, however long it lives", () => {
    const window = createSlidingWindow();
    for (let time = 0; time < 10 * MINUTE; time += 250) {
      incrementWindow(window, MINUTE, time);
      measureWindow(window, MINUTE, time);
    }
    expect(window.counts.size).toBeLessThanOrEqual(60);
    expect(window.pending.size).toBeLessThanOrEqual(60);
  });
});

describe("merging stored counts", () => {
  it("adds counts that are not stored yet", () => {
    const window = windowAt(0, 1);
    mergeCounts(window, new Map([[0, 3]]));
    expect(usedAt(window, 2)).toBe(5);
  });

  it("counts nothing twice, neither stored counts nor on a second read", () => {
    const window = windowAt(0, 1);
    window.pending.clear();
    for (let i = 0; i < 3; i += 1) mergeCounts(window, new Map([[0, 2]]));
    expect(usedAt(window, 2)).toBe(2);
    incrementWindow(window, MINUTE, 3);
    for (let i = 0; i < 3; i += 1) mergeCounts(window, new Map([[0, 2]]));
    expect(usedAt(window, 4)).toBe(3);
  });

  it("loses no count if the store is stale or empty", () => {
    const window = windowAt(0, 1, 2);
    window.pending.clear();
    mergeCounts(window, new Map([[0, 1]]));
    mergeCounts(window, new Map());
    expect(usedAt(window, 3)).toBe(3);
  });

  it("ignores stored counts of earlier windows", () => {
    const window = createSlidingWindow();
    mergeCounts(window, new Map([[0, 100]]));
    expect(usedAt(window, MINUTE)).toBe(0);
  });
});
