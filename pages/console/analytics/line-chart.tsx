import { useLocale } from "../../texts/texts.ts";
import { dayFormat } from "./period.ts";
import { findTicks, pickIndexes, spread } from "./scale.ts";
import { useWidth } from "./use-width.ts";

const HEIGHT = 220;
const TOP = 14;
const BOTTOM = 30;
const CHARACTER_WIDTH = 7;
const LABEL_GAP = 18;
const DAY_LABEL_WIDTH = 75;
/** More markers than this would run into each other. */
const MAX_MARKERS = 31;

interface Series {
  name: string;
  values: number[];
  /** Whether the sum of the values means something. */
  isSummable: boolean;
}

interface ChartProps {
  title: string;
  days: string[];
  /** One or two. */
  series: Series[];
}

/** A chart of one or two series by day. They differ by their dashes and markers, and each has its name at its end. */
export function LineChart({ title, days, series }: ChartProps) {
  const { language } = useLocale();
  const { element, width } = useWidth<HTMLDivElement>(600);
  const description = useDescription({ title, days, series });
  const format = new Intl.NumberFormat(language);
  const ticks = findTicks(Math.max(...series.flatMap(({ values }) => values)));
  const top = ticks.at(-1) ?? 1;
  const left = format.format(top).length * CHARACTER_WIDTH + 14;
  const right = Math.max(...series.map(({ name }) => name.length)) * CHARACTER_WIDTH + 14;
  const x = (index: number) =>
    left + (index / Math.max(1, days.length - 1)) * Math.max(10, width - left - right);
  const y = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const ends = spread(
    series.map(({ values }) => y(values.at(-1) ?? 0)),
    LABEL_GAP,
    y(0),
  );
  const formatDay = dayFormat(language);
  const dayCount = Math.floor((width - left - right) / DAY_LABEL_WIDTH);
  return (
    <figure class="card chart">
      <figcaption>{title}</figcaption>
      <div ref={element}>
        <svg width={width} height={HEIGHT} role="img" aria-label={description}>
          {ticks.map((tick) => (
            <g key={tick} class="tick">
              <line x1={left} x2={width - right} y1={y(tick)} y2={y(tick)} />
              <text x={left - 8} y={y(tick) + 4} text-anchor="end">
                {format.format(tick)}
              </text>
            </g>
          ))}
          {pickIndexes(days.length, dayCount).map((index) => (
            <text key={index} class="day" x={x(index)} y={HEIGHT - 8} text-anchor="middle">
              {formatDay(days[index] ?? "")}
            </text>
          ))}
          {series.map(({ name, values }, index) => (
            <g key={name} class={`series-${index}`}>
              <polyline points={values.map((value, day) => `${x(day)},${y(value)}`).join(" ")} />
              {pickIndexes(values.length, MAX_MARKERS).map((day) => (
                <Marker key={day} index={index} x={x(day)} y={y(values[day] ?? 0)} />
              ))}
              <text x={width - right + 10} y={(ends[index] ?? 0) + 4}>
                {name}
              </text>
            </g>
          ))}
        </svg>
      </div>
    </figure>
  );
}

/** A point of a series: the first one has circles, the second one squares. */
function Marker({ index, x, y }: { index: number; x: number; y: number }) {
  if (index === 0) return <circle cx={x} cy={y} r={3} />;
  return <rect x={x - 3} y={y - 3} width={6} height={6} />;
}

function useDescription({ title, days, series }: ChartProps): string {
  const { language, texts } = useLocale();
  const { chart, described, describedMost } = texts.analytics;
  const format = new Intl.NumberFormat(language);
  const formatDay = dayFormat(language, true);
  const sentences = series.map(({ name, values, isSummable }) => {
    const most = Math.max(...values);
    const day = formatDay(days[values.indexOf(most)] ?? "");
    const total = values.reduce((sum, value) => sum + value, 0);
    return isSummable
      ? described(name, format.format(total), format.format(most), day)
      : describedMost(name, format.format(most), day);
  });
  const [from = "", to = ""] = [days[0], days.at(-1)].map((day) => formatDay(day ?? ""));
  return [chart(title, from, to), ...sentences].join(" ");
}
