import { useEffect, useRef } from "preact/hooks";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { useTitle } from "../../ui/layout.tsx";
import { Show, useLoad } from "../../ui/load.tsx";
import { usePoll } from "../../ui/poll.ts";
import { Time } from "../../ui/time.tsx";
import { type Reading, readOperations } from "./data.ts";
import { Alerts, Health } from "./health.tsx";
import { Jobs } from "./jobs.tsx";
import { LockOuts } from "./lock-outs.tsx";
import { Mail } from "./mail.tsx";
import { People } from "./people.tsx";
import { Rates } from "./rates.tsx";

const REFRESH_MS = 30_000;

/** How the service does: what an operator asks first. */
export function Operations() {
  const { console: texts, operations } = useTexts();
  useTitle(texts.nav.operations);
  const mayReadEvents = useSession()?.permissions.has("audit:read") ?? false;
  const loaded = useLoad(() => readOperations(mayReadEvents), [mayReadEvents]);
  const { data, reload } = loaded;
  const first = useRef<Reading | undefined>(undefined);
  useEffect(() => {
    first.current ??= data;
  }, [data]);
  usePoll(
    async () => {
      reload();
      return REFRESH_MS;
    },
    true,
    REFRESH_MS,
  );
  return (
    <>
      <h1>{texts.nav.operations}</h1>
      <div class="toolbar">
        <button type="button" disabled={loaded.isLoading} onClick={reload}>
          {operations.refresh}
        </button>
        <p class="hint">
          {data && (
            <>
              {operations.refreshedAt} <Time at={data.at.toISOString()} hasSeconds />.{" "}
            </>
          )}
          {operations.refreshHint}
        </p>
      </div>
      <Show of={loaded}>
        {(reading) => (
          <>
            <Alerts metrics={reading.metrics} />
            <div class="cards section">
              <Health reading={reading} />
              <Mail reading={reading} />
              <People metrics={reading.metrics} />
            </div>
            <Rates reading={reading} first={first.current ?? reading} />
            <Jobs reading={reading} />
            {reading.lockOuts && <LockOuts events={reading.lockOuts} />}
          </>
        )}
      </Show>
    </>
  );
}
