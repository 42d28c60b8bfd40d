import { useLocation } from "preact-iso";
import { useTexts } from "../../texts/texts.ts";
import { Field, Form, Select, textOf } from "../../ui/form.tsx";
import { type Filters, toAddress } from "./data.ts";

/** The filters of the events, which are in the page's address. */
export function EventFilters({ filters }: { filters: Filters }) {
  const { audit: texts, activity } = useTexts();
  const { route } = useLocation();
  const isFiltered = Object.keys(filters).length > 0;
  const actions = Object.entries(activity.actions)
    .map(([action, text]) => [action, `${text} (${action})`] as const)
    .sort(([, a], [, b]) => a.localeCompare(b));
  const apply = async (values: FormData) => {
    route(
      toAddress({
        action: textOf(values, "action"),
        actor_id: textOf(values, "actor_id").trim(),
        target_id: textOf(values, "target_id").trim(),
        from: toTime(textOf(values, "from")),
        to: toTime(textOf(values, "to")),
      }),
    );
  };
  return (
    <details class="card filters" open={isFiltered}>
      <summary>{texts.filters}</summary>
      <Form
        submit={texts.apply}
        onSubmit={apply}
        label={texts.filters}
        {...(isFiltered && { onCancel: () => route("/console/audit"), cancel: texts.clear })}
      >
        <div class="filter-fields">
          <Select
            label={texts.action}
            name="action"
            defaultValue={filters.action ?? ""}
            options={[["", texts.anyAction], ...actions]}
          />
          <Field
            label={texts.from}
            name="from"
            type="datetime-local"
            defaultValue={toLocal(filters.from)}
          />
          <Field
            label={texts.to}
            name="to"
            type="datetime-local"
            defaultValue={toLocal(filters.to)}
          />
          <Field
            label={texts.actor}
            name="actor_id"
            hint={texts.actorHint}
            defaultValue={filters.actor_id ?? ""}
            autoComplete="off"
            spellcheck={false}
            maxLength={100}
          />
          <Field
            label={texts.target}
            name="target_id"
            hint={texts.targetHint}
            defaultValue={filters.target_id ?? ""}
            autoComplete="off"
            spellcheck={false}
            maxLength={100}
          />
        </div>
      </Form>
    </details>
  );
}

// Fields hold a time of the reader's time zone, the address and the API one of UTC.
function toTime(local: string): string | undefined {
  return local ? new Date(local).toISOString() : undefined;
}

function toLocal(time: string | undefined): string {
  const at = Date.parse(time ?? "");
  if (Number.isNaN(at)) return "";
  const offsetMs = new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - offsetMs).toISOString().slice(0, 16);
}
