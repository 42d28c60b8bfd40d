/** Into how many slots a window is cut: what is counted is forgotten one slot at a time. */
const SLOTS = 60;

/** How many happened in each slot of a window; slots without any are left out. */
export type SlotCounts = Map<number, number>;

/** A count of the last so many seconds, in memory. `pending` is what the store has not been told yet; times are when it was last asked and told, or is next told. */
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
  /** Until the oldest of what is counted is forgotten; the whole window when nothing is. */
  resetMs: number;
}

/** How much of the window is used now. What is older than the window is dropped. */
export function measure(window: SlidingWindow, windowMs: number, now: number): WindowUse {
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

/** Counts one more. */
export function increment(window: SlidingWindow, windowMs: number, now: number): void {
  const slot = Math.floor(now / (windowMs / SLOTS));
  for (const counts of [window.counts, window.pending]) {
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
  }
}

/** Takes in what others have counted: what the store says plus what it was not told yet, and never less than is known already. */
export function merge(window: SlidingWindow, stored: SlotCounts): void {
  for (const [slot, count] of stored) {
    const together = count + (window.pending.get(slot) ?? 0);
    window.counts.set(slot, Math.max(together, window.counts.get(slot) ?? 0));
  }
}
