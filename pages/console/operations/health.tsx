import { useTexts } from "../../texts/texts.ts";
import { Notice } from "../../ui/notice.tsx";
import type { Check, Reading } from "./data.ts";
import type { Metrics } from "./exposition.ts";

/** The alerts that fire, if any do. */
export function Alerts({ metrics }: { metrics: Metrics }) {
  const { operations: texts } = useTexts();
  const firing = metrics.list("roster_alert_firing").filter(({ value }) => value === 1);
  if (firing.length === 0) return null;
  return (
    <Notice kind="error">
      <h2>{texts.firing}</h2>
      <ul>
        {firing.map(({ labels: { alert = "" } }) => (
          <li key={alert}>{texts.alerts[alert] ?? alert}</li>
        ))}
      </ul>
    </Notice>
  );
}

/** Whether the service runs and is ready, and each check. */
export function Health({ reading }: { reading: Reading }) {
  const { operations: texts } = useTexts();
  const { version, isReady, checks } = reading;
  return (
    <section class="card" aria-label={texts.health}>
      <h2>{texts.health}</h2>
      <p>
        {texts.running} <span class="hint">{texts.version(version)}</span>
      </p>
      <p class={isReady ? "good" : "bad"}>{isReady ? texts.ready : texts.notReady}</p>
      <dl class="facts">
        {checks.map(([name, check]) => (
          <CheckFact key={name} name={name} check={check} />
        ))}
      </dl>
    </section>
  );
}

function CheckFact({ name, check }: { name: string; check: Check }) {
  const { operations: texts } = useTexts();
  const { status, duration_ms, detail } = check;
  const isBad = status === "failed" || status === "missing";
  return (
    <>
      <dt>{texts.checkNames[name] ?? name}</dt>
      <dd>
        <span class={isBad ? "bad" : ""}>{texts.statuses[status] ?? status}</span>
        {duration_ms !== undefined && ` (${texts.milliseconds(duration_ms.toFixed(0))})`}
        {detail && <span class="hint">{detail}</span>}
      </dd>
    </>
  );
}
