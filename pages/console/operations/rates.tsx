import { type Texts, useLocale, useTexts } from "../../texts/texts.ts";
import { Table } from "../../ui/table.tsx";
import type { Reading } from "./data.ts";
import type { Metrics } from "./exposition.ts";

const REQUESTS = "roster_http_requests_total";
const DURATION = "roster_http_request_duration_seconds";
const MINUTE_MS = 60_000;

interface Props {
  reading: Reading;
  /** The first reading of this visit, with which it is compared. */
  first: Reading;
}

/** Counts of requests, logins and refusals: in total, and since the page was opened. */
export function Rates({ reading, first }: Props) {
  const { operations: texts } = useTexts();
  const { language } = useLocale();
  const whole = new Intl.NumberFormat(language);
  const rate = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const minutes = (reading.at.getTime() - first.at.getTime()) / MINUTE_MS;
  const before = new Map(count(first.metrics, texts));
  const failing = listFailing(reading.metrics);
  return (
    <section class="section figures" aria-label={texts.rates}>
      <h2>{texts.rates}</h2>
      <p class="hint">{texts.ratesHint}</p>
      <Table
        caption={texts.rates}
        columns={[texts.what, texts.total, texts.sinceOpened, texts.perMinute]}
      >
        {count(reading.metrics, texts).map(([name, total]) => {
          const added = total - (before.get(name) ?? 0);
          return (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{whole.format(total)}</td>
              <td>{whole.format(added)}</td>
              <td>{minutes > 0 ? rate.format(added / minutes) : "–"}</td>
            </tr>
          );
        })}
      </Table>
      {failing.length > 0 && (
        <Table caption={texts.failingRoutes} columns={[texts.failingRoutes, texts.total]}>
          {failing.map(([route, errors]) => (
            <tr key={route}>
              <th scope="row">
                <code>{route}</code>
              </th>
              <td>{whole.format(errors)}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

function count(metrics: Metrics, texts: Texts["operations"]): [string, number][] {
  const classes = new Map(metrics.sumBy(REQUESTS, "status", ([digit]) => `${digit}xx`));
  const all = metrics.sum(`${DURATION}_count`);
  const logins = metrics
    .sumBy("roster_logins_total", "result")
    .map(([result, total]): [string, number] => [
      texts.loginResults[result] ?? texts.otherLogins(result),
      total,
    ]);
  const limits = metrics
    .sumBy("roster_rate_limited_total", "policy")
    .map(([policy, total]): [string, number] => [
      texts.limits[policy] ?? texts.otherLimits(policy),
      total,
    ]);
  return [
    [texts.requests, metrics.sum(REQUESTS)],
    [texts.errors, classes.get("5xx") ?? 0],
    [texts.refused, classes.get("4xx") ?? 0],
    [texts.slow, all - metrics.sum(`${DURATION}_bucket`, { le: "0.5" })],
    ...logins,
    [texts.lockOutsCounted, metrics.sum("roster_lockouts_total")],
    ...limits,
  ];
}

/** The routes with errors of the service, most first. */
function listFailing(metrics: Metrics): [string, number][] {
  const errors = new Map<string, number>();
  for (const { labels, value } of metrics.list(REQUESTS)) {
    if (!labels.status?.startsWith("5")) continue;
    const route = `${labels.method} ${labels.route}`;
    errors.set(route, (errors.get(route) ?? 0) + value);
  }
  return [...errors].sort(([, a], [, b]) => b - a).slice(0, 10);
}
