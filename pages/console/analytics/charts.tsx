import type { components } from "roster-client";
import { useTexts } from "../../texts/texts.ts";
import { LineChart } from "./line-chart.tsx";

/** The counts of each day as charts. */
export function Charts({ days }: { days: components["schemas"]["AnalyticsDay"][] }) {
  const { charts, series } = useTexts().analytics;
  const dates = days.map(({ day }) => day);
  const toSeries = (name: keyof typeof series) => ({
    name: series[name],
    values: days.map((counts) => counts[name]),
    // The people of several days are not the sum of those of each day.
    isSummable: name !== "active_users",
  });
  return (
    <div class="charts">
      <LineChart title={charts.people} days={dates} series={[toSeries("active_users")]} />
      <LineChart
        title={charts.logins}
        days={dates}
        series={[toSeries("logins"), toSeries("failed_logins")]}
      />
      <LineChart
        title={charts.accounts}
        days={dates}
        series={[toSeries("registrations"), toSeries("deletions")]}
      />
    </div>
  );
}
