import { useState } from "preact/hooks";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { Day } from "../../ui/time.tsx";
import type { User } from "../user/access.ts";
import { Status } from "../user/status.tsx";
import { Bulk } from "./bulk.tsx";
import type { BulkOutcome } from "./bulk-outcomes.tsx";
import { isSortable, type Selection, type Sort } from "./query.ts";

interface UserTableProps {
  users: readonly User[];
  selection: Selection;
  onSort: (sort: Sort) => void;
  onOutcomes: (outcomes: BulkOutcome[]) => void;
}

/** The rows that are chosen, of the users who are shown. */
interface Choice {
  users: readonly User[];
  ids: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/** A page of the list. Rows can be chosen, to change many users at once. */
export function UserTable({ users, selection, onSort, onOutcomes }: UserTableProps) {
  const texts = useTexts();
  const session = useSession();
  const [choice, setChoice] = useState<Choice>({ users, ids: NONE });
  const permissions = ["users:update", "users:delete", "roles:assign"];
  const isDeleted = selection.deleted === "true";
  const isBulk = !isDeleted && permissions.some((name) => session?.permissions.has(name));
  const chosenUsers = users.filter(({ id }) => choice.ids.has(id));
  const setChosen = (ids: readonly string[]) => setChoice({ users, ids: new Set(ids) });
  // Whoever is still shown when the list was loaded again stays chosen.
  if (choice.users !== users) setChosen(chosenUsers.map(({ id }) => id));
  const choose = (ids: readonly string[], isChosen: boolean) => {
    const others = [...choice.ids].filter((id) => !ids.includes(id));
    setChosen(isChosen ? [...others, ...ids] : others);
  };
  const sortable = { selection, onSort };
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section class="scroll" tabIndex={0} aria-label={texts.console.nav.users}>
        <table class="users">
          <caption class="hidden">{texts.console.nav.users}</caption>
          <thead>
            <tr>
              {isBulk && (
                <th scope="col">
                  <input
                    type="checkbox"
                    class="row-choice"
                    aria-label={texts.users.chooseAll}
                    checked={chosenUsers.length === users.length}
                    onChange={({ currentTarget }) =>
                      choose(
                        users.map(({ id }) => id),
                        currentTarget.checked,
                      )
                    }
                  />
                </th>
              )}
              <SortedColumn name="username" {...sortable} />
              <SortedColumn name="email" {...sortable} />
              <th scope="col" class="wide">
                {texts.users.name}
              </th>
              <th scope="col">{texts.users.role}</th>
              <th scope="col">{texts.users.status}</th>
              <SortedColumn name="created_at" {...sortable} />
              <SortedColumn name="last_login_at" {...sortable} />
            </tr>
          </thead>
          <tbody>
            {users.map((user) => (
              <tr key={user.id}>
                {isBulk && (
                  <td>
                    <input
                      type="checkbox"
                      class="row-choice"
                      aria-label={texts.users.choose(user.username)}
                      checked={choice.ids.has(user.id)}
                      onChange={({ currentTarget }) => choose([user.id], currentTarget.checked)}
                    />
                  </td>
                )}
                <th scope="row">
                  <a href={`/console/users/${user.id}`}>{user.username}</a>
                </th>
                <td>{user.email}</td>
                <td class="wide">{user.full_name}</td>
                <td>{user.role}</td>
                <td>
                  <Status of={user} />
                </td>
                <td>
                  <Day at={user.created_at} />
                </td>
                <td>
                  <Day at={user.last_login_at} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {chosenUsers.length > 0 && (
        <Bulk
          users={chosenUsers}
          onDone={(outcomes) => {
            setChosen([]);
            onOutcomes(outcomes);
          }}
        />
      )}
    </>
  );
}

interface SortedColumnProps {
  name: "username" | "email" | "created_at" | "last_login_at";
  selection: Selection;
  onSort: (sort: Sort) => void;
}

/** The head of a column by which the list can be sorted. A second click turns the order round. */
function SortedColumn({ name, selection, onSort }: SortedColumnProps) {
  const { users } = useTexts();
  const [field, isDown] = [selection.sort.replace("-", ""), selection.sort.startsWith("-")];
  const text = users.columns[name];
  if (!isSortable(selection)) return <th scope="col">{text}</th>;
  const isSorted = field === name;
  // Times begin with the latest, names with A.
  const first: Sort = name.endsWith("_at") ? (`-${name}` as Sort) : name;
  const turned: Sort = isDown ? name : `-${name}`;
  const order = isDown ? "descending" : "ascending";
  return (
    <th scope="col" aria-sort={isSorted ? order : undefined}>
      <button type="button" class="sort" onClick={() => onSort(isSorted ? turned : first)}>
        {text}
        <span aria-hidden="true">{isSorted ? (isDown ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}
