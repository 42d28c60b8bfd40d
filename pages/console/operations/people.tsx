import { Fragment } from "preact";
import { useTexts } from "../../texts/texts.ts";
import { Time } from "../../ui/time.tsx";
import type { Metrics } from "./exposition.ts";

const STATUSES = ["active", "inactive", "deleted"] as const;

/** How many users and live sessions there are, as a job has counted them. */
export function People({ metrics }: { metrics: Metrics }) {
  const { operations: texts } = useTexts();
  const countedAt = metrics.list("roster_population_timestamp_seconds")[0]?.value;
  return (
    <section class="card" aria-label={texts.people}>
      <h2>{texts.people}</h2>
      {countedAt === undefined ? (
        <p class="hint">{texts.notCounted}</p>
      ) : (
        <dl class="facts">
          {STATUSES.map((status) => (
            <Fragment key={status}>
              <dt>{texts.usersByStatus[status]}</dt>
              <dd>{metrics.sum("roster_users", { status })}</dd>
            </Fragment>
          ))}
          <dt>{texts.liveSessions}</dt>
          <dd>{metrics.sum("roster_sessions_live")}</dd>
          <dt>{texts.countedAt}</dt>
          <dd>
            <Time at={new Date(countedAt * 1000).toISOString()} />
          </dd>
        </dl>
      )}
    </section>
  );
}
