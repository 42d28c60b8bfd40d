/** A sample of the Prometheus text format (version 0.0.4). */
interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED: Readonly<Record<string, string>> = { n: "\n" };

/** Metrics that were read at one time. */
export class Metrics {
  readonly #samples = new Map<string, Sample[]>();

  constructor(exposition: string) {
    for (const line of exposition.split("\n")) {
      const [, name, labels = "", value] = LINE.exec(line) ?? [];
      if (name === undefined) continue;
      const samples = this.list(name);
      samples.push({ name, labels: parseLabels(labels), value: Number(value) });
      this.#samples.set(name, samples);
    }
  }

  /** The samples of a metric. */
  list(name: string): Sample[] {
    return this.#samples.get(name) ?? [];
  }

  /** The sum of a metric's samples whose labels are these; 0 if there is none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels);
    return this.list(name)
      .filter((sample) => wanted.every(([label, text]) => sample.labels[label] === text))
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** The sums of a metric's samples by the text of a label, the greatest first. */
  sumBy(name: string, label: string, toGroup = (text: string) => text): [string, number][] {
    const sums = new Map<string, number>();
    for (const { labels, value } of this.list(name)) {
      const group = toGroup(labels[label] ?? "");
      sums.set(group, (sums.get(group) ?? 0) + value);
    }
    return [...sums].sort(([, a], [, b]) => b - a);
  }
}

function parseLabels(text: string): Record<string, string> {
  const pairs = [...text.matchAll(LABEL)].map(([, name = "", value = ""]) => [
    name,
    value.replace(/\\(.)/g, (_, character: string) => ESCAPED[character] ?? character),
  ]);
  return Object.fromEntries(pairs);
}
