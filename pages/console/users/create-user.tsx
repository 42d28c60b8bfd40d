import { useState } from "preact/hooks";
import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Checkbox, Field, Form, textOf } from "../../ui/form.tsx";
import { Notice } from "../../ui/notice.tsx";
import type { User } from "../user/access.ts";
import { RoleField } from "./role-field.tsx";

const FIELDS = ["username", "email", "first_name", "last_name", "password", "role", "is_active"];

/** Creates a user, or invites one: without a password, the person gets an email with a link to choose one. */
export function CreateUser({ onCreated }: { onCreated: () => void }) {
  const { create } = useTexts().users;
  const [isOpen, setOpen] = useState(false);
  const [created, setCreated] = useState<User>();
  return (
    <>
      <button type="button" class="primary" onClick={() => setOpen(true)}>
        {create.open}
      </button>
      {isOpen && (
        <CreateDialog
          onClose={() => setOpen(false)}
          onCreated={(user) => {
            setOpen(false);
            setCreated(user);
            onCreated();
          }}
        />
      )}
      {created && (
        <Dialog title={create.title} onClose={() => setCreated(undefined)}>
          <Notice kind="success">
            {created.has_password ? create.created : create.invited(created.email)}
          </Notice>
          <div class="actions">
            <a class="button" href={`/console/users/${created.id}`}>
              {create.show(created.username)}
            </a>
            <button type="button" onClick={() => setCreated(undefined)}>
              {create.done}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

interface CreateDialogProps {
  onClose: () => void;
  onCreated: (user: User) => void;
}

function CreateDialog({ onClose, onCreated }: CreateDialogProps) {
  const { common, users } = useTexts();
  const { create } = users;
  const session = useSession();
  const [role, setRole] = useState("user");
  const send = async (values: FormData) => {
    const optional = ["first_name", "last_name", "password"].flatMap((name) => {
      const text = textOf(values, name);
      return text ? [[name, text] as const] : [];
    });
    const body = {
      username: textOf(values, "username"),
      email: textOf(values, "email"),
      is_active: values.has("is_active"),
      ...Object.fromEntries(optional),
      ...(values.has("role") && { role: textOf(values, "role") }),
    };
    onCreated(await ok(api.POST("/v1/users", { body })));
  };
  return (
    <Dialog title={create.title} onClose={onClose}>
      <Form
        submit={create.submit}
        onSubmit={send}
        onCancel={onClose}
        cancel={common.cancel}
        fields={FIELDS}
      >
        <div class="fields">
          <Field
            label={users.username}
            name="username"
            autoComplete="off"
            autoCapitalize="off"
            spellcheck={false}
            required
          />
          <Field label={users.email} name="email" type="email" autoComplete="off" required />
          <Field label={users.firstName} name="first_name" autoComplete="off" />
          <Field label={users.lastName} name="last_name" autoComplete="off" />
        </div>
        <Field
          label={users.password}
          name="password"
          type="password"
          autoComplete="new-password"
          hint={create.passwordHint}
        />
        {session?.permissions.has("roles:assign") && (
          <RoleField
            label={users.role}
            value={role}
            onInput={({ currentTarget }) => setRole(currentTarget.value)}
            isAssigned
          />
        )}
        <Checkbox label={create.isActive} name="is_active" defaultChecked />
      </Form>
    </Dialog>
  );
}
