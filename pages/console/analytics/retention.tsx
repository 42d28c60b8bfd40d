import type { components } from "roster-client";
import { useLocale } from "../../texts/texts.ts";
import { Table } from "../../ui/table.tsx";
import { dayFormat } from "./period.ts";

/** The shares of people who returned, by the week of their registration. The shading repeats what the numbers say. */
export function Retention({ cohorts }: { cohorts: components["schemas"]["RetentionCohort"][] }) {
  const { language, texts } = useLocale();
  const { retention, noCohorts, cohort, size, week } = texts.analytics;
  if (cohorts.length === 0) return <p>{noCohorts}</p>;
  const formatDay = dayFormat(language, true);
  const count = new Intl.NumberFormat(language);
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
  const weeks = Math.max(...cohorts.map(({ returned }) => returned.length));
  const numbers = Array.from({ length: weeks }, (_, index) => index);
  return (
    <div class="figures cohorts">
      <Table caption={retention} columns={[cohort, size, ...numbers.map(week)]}>
        {cohorts.map(({ week: monday, size: people, returned }) => (
          <tr key={monday}>
            <th scope="row">{formatDay(monday)}</th>
            <td>{count.format(people)}</td>
            {numbers.map((index) => (
              <Share key={index} share={returned[index]} format={percent} />
            ))}
          </tr>
        ))}
      </Table>
    </div>
  );
}

function Share({ share, format }: { share: number | undefined; format: Intl.NumberFormat }) {
  // The week has not begun.
  if (share === undefined) return <td />;
  return <td class={`share-${Math.round(share * 5)}`}>{format.format(share)}</td>;
}
