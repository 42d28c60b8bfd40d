import { useTexts } from "../../texts/texts.ts";
import { Time } from "../../ui/time.tsx";
import type { Reading } from "./data.ts";

/** The emails that wait, and those that were given up. */
export function Mail({ reading: { metrics, at } }: { reading: Reading }) {
  const { operations: texts } = useTexts();
  const waiting = metrics.sum("roster_mail_outbox", { state: "pending" });
  const failed = metrics.sum("roster_mail_outbox", { state: "failed" });
  const ageMs = metrics.sum("roster_mail_outbox_oldest_age_seconds") * 1000;
  return (
    <section class="card" aria-label={texts.mail}>
      <h2>{texts.mail}</h2>
      <dl class="facts">
        <dt>{texts.waiting}</dt>
        <dd>{waiting}</dd>
        {waiting > 0 && (
          <>
            <dt>{texts.oldest}</dt>
            <dd>
              <Time at={new Date(at.getTime() - ageMs).toISOString()} hasSeconds />
            </dd>
          </>
        )}
        <dt>{texts.failed}</dt>
        <dd class={failed > 0 ? "bad" : ""}>{failed}</dd>
        <dt>{texts.attempts}</dt>
        <dd>{metrics.sum("roster_mail_deliveries_total")}</dd>
      </dl>
    </section>
  );
}
