import type { components } from "roster-client";
import { useLocale } from "../../texts/texts.ts";
import { Table } from "../../ui/table.tsx";
import { dayFormat } from "./period.ts";

const SERIES = ["active_users", "logins", "failed_logins", "registrations", "deletions"] as const;

/** The counts of each day, the latest first. */
export function DaysTable({ days }: { days: components["schemas"]["AnalyticsDay"][] }) {
  const { language, texts } = useLocale();
  const { daily, day, series } = texts.analytics;
  const format = new Intl.NumberFormat(language);
  const formatDay = dayFormat(language, true);
  return (
    <div class="figures tall">
      <Table caption={daily} columns={[day, ...SERIES.map((name) => series[name])]}>
        {days.toReversed().map((counts) => (
          <tr key={counts.day}>
            <th scope="row">{formatDay(counts.day)}</th>
            {SERIES.map((name) => (
              <td key={name}>{format.format(counts[name])}</td>
            ))}
          </tr>
        ))}
      </Table>
    </div>
  );
}
