import type { TargetedEvent, TargetedSubmitEvent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { Field, Select } from "../../ui/form.tsx";
import { countFilters, isSortable, LIMITS, type Selection, SORTS } from "./query.ts";
import { RoleField } from "./role-field.tsx";

interface FiltersProps {
  selection: Selection;
  onChange: (selection: Selection) => void;
  onClear: () => void;
}

/** Searches and filters the list. Its fields take effect together, when the form is sent. */
export function Filters({ selection, onChange, onClear }: FiltersProps) {
  const { users } = useTexts();
  const [draft, setDraft] = useState(selection);
  const key = JSON.stringify(selection);
  useEffect(() => setDraft(selection), [key]);
  const count = countFilters(selection);
  // Roles are loaded when the filters are opened: the list itself needs one request.
  const [isOpened, setOpened] = useState(false);
  const send = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    onChange(draft);
  };
  const bind = (name: keyof Selection) => ({
    name,
    value: draft[name],
    onInput: ({ currentTarget }: TargetedEvent<HTMLInputElement | HTMLSelectElement>) =>
      setDraft({ ...draft, [name]: currentTarget.value }),
  });
  return (
    <search>
      <form class="card user-filters" onSubmit={send}>
        <div class="toolbar">
          <Field
            label={users.search}
            type="search"
            maxLength={100}
            autoComplete="off"
            placeholder={users.searchHint}
            {...bind("q")}
          />
          <button type="submit" class="primary">
            {users.apply}
          </button>
          {(selection.q !== "" || count > 0) && (
            <button type="button" onClick={onClear}>
              {users.clear}
            </button>
          )}
        </div>
        <details onToggle={({ currentTarget }) => currentTarget.open && setOpened(true)}>
          <summary>{count > 0 ? users.filtersSet(count) : users.filters}</summary>
          {isOpened && <FilterFields draft={draft} bind={bind} />}
        </details>
      </form>
    </search>
  );
}

interface FilterFieldsProps {
  draft: Selection;
  bind: (name: keyof Selection) => {
    name: string;
    value: string;
    onInput: (event: TargetedEvent<HTMLInputElement | HTMLSelectElement>) => void;
  };
}

function FilterFields({ draft, bind }: FilterFieldsProps) {
  const { common, users } = useTexts();
  const session = useSession();
  const flag = (yes: string = common.yes, no: string = common.no) =>
    [["", users.any] as const, ["true", yes] as const, ["false", no] as const] as const;
  return (
    <>
      <div class="fields">
        <RoleField label={users.role} none={users.any} {...bind("role")} />
        <Select
          label={users.status}
          options={flag(users.active, users.inactive)}
          {...bind("is_active")}
        />
        <Select label={users.emailVerified} options={flag()} {...bind("email_verified")} />
        <Select label={users.mfaEnabled} options={flag()} {...bind("mfa_enabled")} />
        <Field label={users.createdFrom} type="date" {...bind("created_from")} />
        <Field label={users.createdTo} type="date" {...bind("created_to")} />
        {session?.permissions.has("users:delete") && (
          <Select
            label={users.deletedFilter}
            options={[
              ["", users.withoutDeleted],
              ["true", users.onlyDeleted],
            ]}
            {...bind("deleted")}
          />
        )}
        <Select
          label={users.sort}
          options={SORTS.map((sort) => [sort, users.sorts[sort]] as const)}
          {...bind("sort")}
        />
        <Select
          label={users.limit}
          options={LIMITS.map((limit) => [limit, limit] as const)}
          {...bind("limit")}
        />
      </div>
      {!isSortable(draft) && <p class="hint">{draft.q ? users.searchLimits : users.rangeLimits}</p>}
    </>
  );
}
