import { useState } from "preact/hooks";
import { isProblem, ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useSession } from "../../shared/session.ts";
import { type Texts, useTexts } from "../../texts/texts.ts";
import { Conflict, type Difference } from "../../ui/conflict.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Checkbox, Field, Form, textOf } from "../../ui/form.tsx";
import { Show, useLoad } from "../../ui/load.tsx";
import {
  groupByNoun,
  type Permission,
  type Role,
  type RoleValues,
  readRole,
  writeRole,
} from "./data.ts";
import { Meaning } from "./meaning.tsx";

interface Props {
  permissions: Permission[];
  onClose: () => void;
  /** Is told what was done. */
  onDone: (message: string) => void;
}

/** Creates a role. */
export function CreateRole({ permissions, onClose, onDone }: Props) {
  const { roles: texts, common } = useTexts();
  const create = async (values: FormData) => {
    const name = textOf(values, "name").trim();
    await ok(api.POST("/v1/roles", { body: { name, ...toValues(values) } }));
    onClose();
    onDone(texts.saved(name));
  };
  return (
    <Dialog title={texts.createTitle} onClose={onClose}>
      <Form
        submit={texts.create}
        onSubmit={create}
        onCancel={onClose}
        cancel={common.cancel}
        fields={["name", "description"]}
      >
        <Field
          label={texts.name}
          name="name"
          hint={texts.nameHint}
          autoComplete="off"
          autoCapitalize="off"
          spellcheck={false}
          required
        />
        <RoleFields permissions={permissions} />
      </Form>
    </Dialog>
  );
}

/** Edits a role. If someone else has changed it meanwhile, the person chooses whose changes stay. */
export function EditRole({ role: { name }, permissions, onClose, onDone }: Props & { role: Role }) {
  const texts = useTexts();
  const session = useSession();
  const loaded = useLoad(() => readRole(name), [name]);
  const [conflict, setConflict] = useState<{ mine: RoleValues; theirs: Role; etag: string }>();
  const finish = (message: string) => {
    onClose();
    onDone(message);
  };
  const save = async (mine: RoleValues, etag: string) => {
    try {
      await writeRole(name, mine, etag);
    } catch (error) {
      if (!isProblem(error, "version_conflict")) throw error;
      const { role: theirs, etag: current } = await readRole(name);
      setConflict({ mine, theirs, etag: current });
      return;
    }
    // The access token says what the role granted when it was issued.
    if (session?.role === name) await api.session.refresh();
    finish(texts.roles.saved(name));
  };
  if (conflict) {
    const { mine, theirs, etag } = conflict;
    return (
      <Conflict
        key={etag}
        differences={compare(theirs, mine, texts)}
        onKeepYours={() => save(mine, etag)}
        onTakeTheirs={() => finish("")}
      />
    );
  }
  return (
    <Dialog title={texts.roles.editTitle(name)} onClose={onClose}>
      <Show of={loaded}>
        {({ role, etag }) => (
          <Form
            submit={texts.common.save}
            onSubmit={(values) =>
              save(role.is_system ? onlyMfa(role, values) : toValues(values), etag)
            }
            onCancel={onClose}
            cancel={texts.common.cancel}
            fields={["description"]}
          >
            {role.is_system ? (
              <>
                <p>{texts.roles.systemHint}</p>
                <RequireMfa role={role} />
              </>
            ) : (
              <RoleFields role={role} permissions={permissions} />
            )}
          </Form>
        )}
      </Show>
    </Dialog>
  );
}

function RoleFields({ role, permissions }: { role?: Role; permissions: Permission[] }) {
  const { roles: texts } = useTexts();
  const held = useSession()?.permissions;
  const granted = new Set(role?.permissions);
  const offered = permissions.filter(({ name }) => held?.has(name));
  return (
    <>
      <Field
        label={texts.description}
        name="description"
        defaultValue={role?.description ?? ""}
        autoComplete="off"
      />
      <RequireMfa {...(role && { role })} />
      {offered.length < permissions.length && <p class="hint">{texts.onlyHeld}</p>}
      {groupByNoun(offered).map(([noun, group]) => (
        <fieldset key={noun} class="permissions">
          <legend>{noun}</legend>
          {group.map((permission) => (
            <Checkbox
              key={permission.name}
              name="permissions"
              value={permission.name}
              defaultChecked={granted.has(permission.name)}
              label={
                <>
                  <code>{permission.name}</code>
                  <Meaning of={permission} />
                </>
              }
            />
          ))}
        </fieldset>
      ))}
    </>
  );
}

function RequireMfa({ role }: { role?: Role }) {
  const { roles: texts } = useTexts();
  return (
    <Checkbox
      name="require_mfa"
      defaultChecked={role?.require_mfa ?? false}
      label={
        <>
          {texts.requireMfa}
          <span class="hint">{texts.requireMfaHint}</span>
        </>
      }
    />
  );
}

function toValues(values: FormData): RoleValues {
  return {
    description: textOf(values, "description"),
    permissions: values.getAll("permissions").map(String),
    require_mfa: values.has("require_mfa"),
  };
}

function onlyMfa({ description, permissions }: Role, values: FormData): RoleValues {
  return { description, permissions, require_mfa: values.has("require_mfa") };
}

function compare(theirs: RoleValues, mine: RoleValues, { common, roles }: Texts): Difference[] {
  const toText = (is: boolean) => (is ? common.yes : common.no);
  const rows: Difference[] = [
    { label: roles.description, theirs: theirs.description, yours: mine.description },
    {
      label: roles.requireMfa,
      theirs: toText(theirs.require_mfa),
      yours: toText(mine.require_mfa),
    },
    ...[...new Set([...theirs.permissions, ...mine.permissions])].sort().map((name) => ({
      label: name,
      theirs: toText(theirs.permissions.includes(name)),
      yours: toText(mine.permissions.includes(name)),
    })),
  ];
  return rows.filter((row) => row.theirs !== row.yours);
}
