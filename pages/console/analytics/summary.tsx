import type { components } from "roster-client";
import { useLocale } from "../../texts/texts.ts";

/** The counts of this moment. */
export function Summary({ counts }: { counts: components["schemas"]["AnalyticsSummary"] }) {
  const { language, texts } = useLocale();
  const { figures } = texts.analytics;
  const format = new Intl.NumberFormat(language);
  const { users, sessions, active_users } = counts;
  const rows: [string, number][] = [
    [figures.total, users.total],
    [figures.active, users.active],
    [figures.verified, users.verified],
    [figures.withMfa, users.with_mfa],
    [figures.live, sessions.live],
    [figures.day, active_users.day],
    [figures.week, active_users.week],
    [figures.month, active_users.month],
  ];
  return (
    <dl class="counts">
      {rows.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{format.format(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
