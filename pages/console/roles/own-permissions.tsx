import { useState } from "preact/hooks";
import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { Confirm, Dialog } from "../../ui/dialog.tsx";
import { Field, Form, textOf } from "../../ui/form.tsx";
import { Table } from "../../ui/table.tsx";
import type { Permission } from "./data.ts";

interface Props {
  permissions: Permission[];
  /** Is told what was done. */
  onDone: (message: string) => void;
}

/** The permissions of the application that uses Roster: list, create, delete. */
export function OwnPermissions({ permissions, onDone }: Props) {
  const { roles: texts } = useTexts();
  const mayWrite = useSession()?.permissions.has("roles:write") ?? false;
  const [isCreating, setCreating] = useState(false);
  const [doomed, setDoomed] = useState<string>();
  const own = permissions.filter(({ is_system }) => !is_system);
  const columns = [texts.permission, texts.description, ...(mayWrite ? [texts.actions] : [])];
  // The access token of an administrator has the permission from the next refresh on.
  const finish = async (message: string) => {
    await api.session.refresh();
    onDone(message);
  };
  return (
    <section class="section" aria-label={texts.own}>
      <h2>{texts.own}</h2>
      <p>{texts.ownIntro}</p>
      {mayWrite && (
        <div class="toolbar">
          <button type="button" onClick={() => setCreating(true)}>
            {texts.createPermission}
          </button>
        </div>
      )}
      {own.length === 0 && <p class="hint">{texts.ownNone}</p>}
      {own.length > 0 && (
        <Table caption={texts.own} columns={columns}>
          {own.map(({ name, description }) => (
            <tr key={name}>
              <th scope="row">
                <code>{name}</code>
              </th>
              <td>{description}</td>
              {mayWrite && (
                <td>
                  <button
                    type="button"
                    aria-label={texts.deleteRole(name)}
                    onClick={() => setDoomed(name)}
                  >
                    {texts.remove}
                  </button>
                </td>
              )}
            </tr>
          ))}
        </Table>
      )}
      {isCreating && <CreatePermission onClose={() => setCreating(false)} onDone={finish} />}
      {doomed !== undefined && (
        <Confirm
          title={texts.deletePermissionTitle(doomed)}
          confirm={texts.remove}
          name={doomed}
          onConfirm={async () => {
            await ok(api.DELETE("/v1/permissions/{name}", { params: { path: { name: doomed } } }));
            await finish(texts.deleted(doomed));
          }}
          onClose={() => setDoomed(undefined)}
        >
          <p>{texts.deletePermissionIntro}</p>
        </Confirm>
      )}
    </section>
  );
}

interface CreateProps {
  onClose: () => void;
  onDone: (message: string) => Promise<void>;
}

function CreatePermission({ onClose, onDone }: CreateProps) {
  const { roles: texts, common } = useTexts();
  const create = async (values: FormData) => {
    const name = textOf(values, "name").trim();
    const description = textOf(values, "description");
    await ok(api.POST("/v1/permissions", { body: { name, description } }));
    await onDone(texts.saved(name));
    onClose();
  };
  return (
    <Dialog title={texts.createPermissionTitle} onClose={onClose}>
      <Form
        submit={texts.createPermission}
        onSubmit={create}
        onCancel={onClose}
        cancel={common.cancel}
        fields={["name", "description"]}
      >
        <Field
          label={texts.name}
          name="name"
          hint={texts.permissionHint}
          autoComplete="off"
          autoCapitalize="off"
          spellcheck={false}
          required
        />
        <Field label={texts.description} name="description" autoComplete="off" />
      </Form>
    </Dialog>
  );
}
