import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { useTexts } from "../../texts/texts.ts";
import { Field, Form, Select, textOf } from "../../ui/form.tsx";
import { PERIODS, type Period } from "./period.ts";

/** Chooses the days that are shown: some last ones, or any. */
export function PeriodChoice({ from, to, choice }: Period & { choice: string }) {
  const { analytics: texts } = useTexts();
  const { route } = useLocation();
  const [chosen, setChosen] = useState(choice);
  const choose = (next: string) => {
    setChosen(next);
    if (next !== "custom") route(`/console/analytics?days=${next}`);
  };
  const apply = async (values: FormData) => {
    const query = new URLSearchParams({ from: textOf(values, "from"), to: textOf(values, "to") });
    route(`/console/analytics?${query}`);
  };
  return (
    <div class="period">
      <Select
        label={texts.period}
        name="days"
        value={chosen}
        options={[
          ...PERIODS.map((days) => [String(days), texts.lastDays(days)] as const),
          ["custom", texts.custom],
        ]}
        onChange={(event) => choose(event.currentTarget.value)}
      />
      {chosen === "custom" && (
        <Form submit={texts.apply} onSubmit={apply} label={texts.period}>
          <Field label={texts.from} name="from" type="date" defaultValue={from} required />
          <Field label={texts.to} name="to" type="date" defaultValue={to} required />
        </Form>
      )}
    </div>
  );
}
