import { useState } from "preact/hooks";
import { useTexts } from "../../texts/texts.ts";
import { Select } from "../../ui/form.tsx";
import { groupByNoun, type Permission, type Role } from "./data.ts";
import { Meaning } from "./meaning.tsx";

/** Which role grants which permission. Narrow windows show one role, which is chosen. */
export function Matrix({ roles, permissions }: { roles: Role[]; permissions: Permission[] }) {
  const { roles: texts } = useTexts();
  const [chosen, setChosen] = useState(roles[0]?.name);
  const columns = roles.map(({ name, permissions: granted }) => ({
    name,
    granted: new Set(granted),
    // Hidden in narrow windows.
    class: name === chosen ? "" : "other",
  }));
  return (
    <section class="section" aria-label={texts.matrix}>
      <h2>{texts.matrix}</h2>
      <div class="when-narrow">
        <Select
          label={texts.role}
          name="matrix_role"
          value={chosen}
          options={roles.map(({ name }) => [name, name] as const)}
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
      </div>
      {/* A region that scrolls must be reachable by keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <section class="scroll matrix" tabIndex={0} aria-label={texts.matrixCaption}>
        <table>
          <caption class="hidden">{texts.matrixCaption}</caption>
          <thead>
            <tr>
              <th scope="col">{texts.permission}</th>
              {columns.map(({ name, class: className }) => (
                <th key={name} scope="col" class={className}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          {groupByNoun(permissions).map(([noun, group]) => (
            <tbody key={noun}>
              <tr>
                <th class="group" scope="rowgroup" colSpan={columns.length + 1}>
                  {noun}
                </th>
              </tr>
              {group.map((permission) => (
                <tr key={permission.name}>
                  <th scope="row">
                    <code>{permission.name}</code>
                    <Meaning of={permission} />
                  </th>
                  {columns.map(({ name, granted, class: className }) => (
                    <td key={name} class={className}>
                      <Mark isGranted={granted.has(permission.name)} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          ))}
        </table>
      </section>
    </section>
  );
}

function Mark({ isGranted }: { isGranted: boolean }) {
  const { roles: texts } = useTexts();
  return (
    <>
      <span aria-hidden="true">{isGranted ? "✓" : "–"}</span>
      <span class="hidden">{isGranted ? texts.granted : texts.notGranted}</span>
    </>
  );
}
