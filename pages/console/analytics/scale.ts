/** Marks of an axis from 0 up to at least `max`, about `count` of them, at whole round numbers. */
export function findTicks(max: number, count = 4): number[] {
  const raw = Math.max(1, max) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const factor = [1, 2, 5, 10].find((round) => round * power >= raw) ?? 10;
  const step = Math.max(1, factor * power);
  const last = Math.max(1, Math.ceil(max / step));
  return Array.from({ length: last + 1 }, (_, index) => index * step);
}

/** The positions of up to `count` labels among `length` values. The last value has one. */
export function pickIndexes(length: number, count: number): number[] {
  const step = Math.max(1, Math.ceil(length / Math.max(1, count)));
  const picked: number[] = [];
  for (let index = length - 1; index >= 0; index -= step) picked.unshift(index);
  return picked;
}

/** Moves two positions apart that are closer than `gap`, so that none is above `max`. One position stays. */
export function spread([one = 0, two]: readonly number[], gap: number, max: number): number[] {
  if (two === undefined) return [one];
  const upper = Math.min(one, two, max - gap);
  const lower = Math.min(max, Math.max(one, two, upper + gap));
  return one <= two ? [upper, lower] : [lower, upper];
}
