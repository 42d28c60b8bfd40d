import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { useTitle } from "../../ui/layout.tsx";
import { Show, useLoad } from "../../ui/load.tsx";
import { Charts } from "./charts.tsx";
import { DaysTable } from "./days-table.tsx";
import { readPeriod } from "./period.ts";
import { PeriodChoice } from "./period-choice.tsx";
import { Retention } from "./retention.tsx";
import { Summary } from "./summary.tsx";

/** How many people there are and what they do: now, per day, and by the week in which they came. */
export function Analytics() {
  const { console: texts, analytics } = useTexts();
  useTitle(texts.nav.analytics);
  const [isTable, setTable] = useState(false);
  const { from, to, choice } = readPeriod(useLocation().query);
  const query = { from, to };
  const summary = useLoad(() => ok(api.GET("/v1/analytics/summary")), []);
  const days = useLoad(() => ok(api.GET("/v1/analytics/daily", { params: { query } })), [from, to]);
  const cohorts = useLoad(
    () => ok(api.GET("/v1/analytics/retention", { params: { query } })),
    [from, to],
  );
  return (
    <>
      <h1>{texts.nav.analytics}</h1>
      <section class="section" aria-label={analytics.now}>
        <h2>{analytics.now}</h2>
        <Show of={summary}>{(counts) => <Summary counts={counts} />}</Show>
      </section>
      <PeriodChoice key={`${from} ${to}`} from={from} to={to} choice={choice} />
      <section class="section" aria-label={analytics.daily}>
        <h2>{analytics.daily}</h2>
        <p class="hint">{analytics.utc}</p>
        <label class="switch">
          <input
            type="checkbox"
            role="switch"
            aria-checked={isTable}
            checked={isTable}
            onChange={(event) => setTable(event.currentTarget.checked)}
          />
          {analytics.asTable}
        </label>
        <Show of={days}>
          {({ data }) => (isTable ? <DaysTable days={data} /> : <Charts days={data} />)}
        </Show>
      </section>
      <section class="section" aria-label={analytics.retention}>
        <h2>{analytics.retention}</h2>
        <p class="hint">{analytics.retentionIntro}</p>
        <Show of={cohorts}>{({ data }) => <Retention cohorts={data} />}</Show>
      </section>
    </>
  );
}
