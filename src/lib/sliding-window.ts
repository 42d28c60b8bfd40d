/** The number of slots of a window. Counts expire one slot at a time. */
const SLOTS = 60;

/** Counts by slot. Slots without a count are left out. */
export type SlotCounts = Map<number, number>;

/**
 * A count over a sliding window, in memory. `pending` has the counts that are not yet in the shared store. `readAt` and `writtenAt`
 * are when the store was last read and written, in milliseconds; `writtenAt` is in the future while a write is scheduled.
 */
export interface SlidingWindow {
  counts: SlotCounts;
  pending: SlotCounts;
  readAt: number;
  writtenAt: number;
}

export function createSlidingWindow(): SlidingWindow {
  return { counts: new Map(), pending: new Map(), readAt: 0, writtenAt: 0 };
}

export interface WindowUse {
  used: number;
  /** The time until the oldest count expires; the whole window if there is none. */
  resetMs: number;
}

/** Measures how much of the window is used now, and drops counts that have expired. */
export function measureWindow(window: SlidingWindow, windowMs: number, now: number): WindowUse {
  const slotMs = windowMs / SLOTS;
  const oldestSlot = Math.floor(now / slotMs) - SLOTS + 1;
  let used = 0;
  let firstSlot: number | undefined;
  for (const [slot, count] of window.counts) {
    if (slot < oldestSlot) {
      window.counts.delete(slot);
      window.pending.delete(slot);
      continue;
    }
    used += count;
    firstSlot = Math.min(firstSlot ?? slot, slot);
  }
  const resetMs = firstSlot === undefined ? windowMs : (firstSlot + SLOTS) * slotMs - now;
  return { used, resetMs };
}

/** Adds one to the current slot. */
export function incrementWindow(window: SlidingWindow, windowMs: number, now: number): void {
  const slot = Math.floor(now / (windowMs / SLOTS));
  for (const counts of [window.counts, window.pending]) {
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
  }
}

/** Takes back an event that was counted at this time. */
export function decrementWindow(window: SlidingWindow, windowMs: number, now: number): void {
  const slot = Math.floor(now / (windowMs / SLOTS));
  for (const counts of [window.counts, window.pending]) {
    const count = counts.get(slot) ?? 0;
    if (count > 1) counts.set(slot, count - 1);
    else counts.delete(slot);
  }
}

/**
 * Merges the counts from the shared store. The result is the stored plus the pending count, but never less than the current
 * one.
 */
export function mergeCounts(window: SlidingWindow, stored: SlotCounts): void {
  for (const [slot, count] of stored) {
    const together = count + (window.pending.get(slot) ?? 0);
    window.counts.set(slot, Math.max(together, window.counts.get(slot) ?? 0));
  }
}
