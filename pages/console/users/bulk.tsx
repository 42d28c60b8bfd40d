import { useState } from "preact/hooks";
import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { Confirm, Dialog } from "../../ui/dialog.tsx";
import { Form, textOf } from "../../ui/form.tsx";
import type { User } from "../user/access.ts";
import type { BulkOutcome } from "./bulk-outcomes.tsx";
import { RoleField } from "./role-field.tsx";

const ACTIONS = [
  { action: "activate", permission: "users:update" },
  { action: "deactivate", permission: "users:update" },
  { action: "set_role", permission: "roles:assign" },
  { action: "delete", permission: "users:delete" },
] as const;

type Action = (typeof ACTIONS)[number]["action"];

interface BulkProps {
  users: readonly User[];
  onDone: (outcomes: BulkOutcome[]) => void;
}

/** What can be done with the users who are chosen. */
export function Bulk({ users, onDone }: BulkProps) {
  const { bulk } = useTexts().users;
  const session = useSession();
  const [asked, setAsked] = useState<Action>();
  const send = async (action: Action, role?: string) => {
    const body = { ids: users.map(({ id }) => id), action, ...(role !== undefined && { role }) };
    const { data } = await ok(api.POST("/v1/users/bulk", { body }));
    const names = new Map(users.map(({ id, username }) => [id, username]));
    onDone(data.map((result) => ({ ...result, username: names.get(result.id) ?? result.id })));
  };
  const close = () => setAsked(undefined);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
    <div class="bulk" role="group" aria-label={bulk.actions}>
      <strong role="status">{bulk.chosen(users.length)}</strong>
      {ACTIONS.filter(({ permission }) => session?.permissions.has(permission)).map(
        ({ action }) => (
          <button key={action} type="button" onClick={() => setAsked(action)}>
            {bulk.buttons[action]}
          </button>
        ),
      )}
      {asked === "set_role" && (
        <SetRole count={users.length} onSend={(role) => send("set_role", role)} onClose={close} />
      )}
      {asked && asked !== "set_role" && (
        <Confirm
          title={bulk.titles[asked](users.length)}
          confirm={bulk.buttons[asked]}
          {...(asked === "delete" && { name: bulk.deleteName(users.length) })}
          onConfirm={() => send(asked)}
          onClose={close}
        >
          <p>{bulk.effects[asked]}</p>
          <p>{users.map(({ username }) => username).join(", ")}</p>
        </Confirm>
      )}
    </div>
  );
}

interface SetRoleProps {
  count: number;
  onSend: (role: string) => Promise<void>;
  onClose: () => void;
}

function SetRole({ count, onSend, onClose }: SetRoleProps) {
  const { common, users } = useTexts();
  const [role, setRole] = useState("");
  const send = async (values: FormData) => {
    await onSend(textOf(values, "role"));
    onClose();
  };
  return (
    <Dialog title={users.bulk.titles.set_role(count)} onClose={onClose}>
      <p>{users.bulk.effects.set_role}</p>
      <Form
        submit={users.bulk.setRole}
        onSubmit={send}
        onCancel={onClose}
        cancel={common.cancel}
        fields={["role"]}
      >
        <RoleField
          label={users.role}
          none={users.chooseRole}
          value={role}
          onInput={({ currentTarget }) => setRole(currentTarget.value)}
          isAssigned
        />
      </Form>
    </Dialog>
  );
}
