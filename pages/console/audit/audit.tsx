import { useLocation } from "preact-iso";
import { useTexts } from "../../texts/texts.ts";
import { useTitle } from "../../ui/layout.tsx";
import { toAddress } from "./data.ts";
import { Events } from "./events.tsx";
import { Seals } from "./seals.tsx";
import { Unattributed } from "./unattributed.tsx";

const VIEWS = { events: Events, unattributed: Unattributed, seals: Seals };
const NAMES = ["events", "unattributed", "seals"] as const;

/** The audit trail: its events, counts of what is no event, and the seals of its days. */
export function Audit() {
  const { console: texts, audit } = useTexts();
  useTitle(texts.nav.audit);
  const { query } = useLocation();
  const current = NAMES.find((name) => name === query.view) ?? "events";
  const View = VIEWS[current];
  return (
    <>
      <h1>{texts.nav.audit}</h1>
      <nav class="tabs" aria-label={audit.views.label}>
        {NAMES.map((name) => (
          <a
            key={name}
            href={toAddress({ view: name === "events" ? undefined : name })}
            aria-current={name === current ? "page" : undefined}
          >
            {audit.views[name]}
          </a>
        ))}
      </nav>
      <View />
    </>
  );
}
