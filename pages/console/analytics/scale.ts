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

/** Moves positions apart that are closer than `gap`, down from the first one. In the order of the input. */
export function spread(positions: readonly number[], gap: number): number[] {
  const result = [...positions];
  const order = positions.map((_, index) => index).sort((a, b) => at(result, a) - at(result, b));
  for (const [place, index] of order.entries()) {
    const above = order[place - 1];
    if (above !== undefined) result[index] = Math.max(at(result, index), at(result, above) + gap);
  }
  return result;
}

function at(positions: readonly number[], index: number): number {
  return positions[index] ?? 0;
}
