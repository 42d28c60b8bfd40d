import { type components, okWithTag } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { EditForm, type Values, type Versioned } from "../../ui/edit-form.tsx";
import { Field, Select } from "../../ui/form.tsx";
import { RoleField } from "../users/role-field.tsx";
import type { User } from "./access.ts";
import type { SectionProps } from "./user.tsx";

type Update = components["schemas"]["UpdateUser"];

/** The fields of the account that the person may change. */
export function EditUser({ user, access, version, load, onChange }: SectionProps) {
  const { users, user: texts } = useTexts();
  const labels: Values = {
    ...(access.editsNames && {
      username: users.username,
      first_name: users.firstName,
      last_name: users.lastName,
    }),
    ...(access.editsEmail && { email: users.email }),
    ...(access.editsRole && { role: users.role }),
    ...(access.editsActive && { is_active: users.status }),
  };
  const statuses = [["true", users.active] as const, ["false", users.inactive] as const] as const;
  const describe = (name: string, value: string) =>
    name === "is_active" ? (value === "true" ? users.active : users.inactive) : value;
  const plain = { autoComplete: "off", autoCapitalize: "off", spellcheck: false } as const;
  return (
    <EditForm
      label={texts.edit.title}
      version={version}
      labels={labels}
      toValues={toValues}
      describe={describe}
      save={(changes, over) => save(user.id, changes, over, access.editsNames)}
      load={load}
      onChange={onChange}
    >
      {(bind) => (
        <>
          {access.editsNames && (
            <div class="fields">
              <Field {...bind("username")} {...plain} required />
              {access.editsEmail && (
                <Field
                  {...bind("email")}
                  {...plain}
                  type="email"
                  hint={texts.edit.emailHint}
                  required
                />
              )}
              <Field {...bind("first_name")} autoComplete="off" />
              <Field {...bind("last_name")} autoComplete="off" />
            </div>
          )}
          <div class="fields">
            {access.editsRole && (
              <RoleField {...bind("role")} hint={texts.edit.roleHint} isAssigned />
            )}
            {access.editsActive && (
              <Select {...bind("is_active")} options={statuses} hint={texts.edit.statusHint} />
            )}
          </div>
          {access.isSelf && <p class="hint">{texts.edit.ownEmail}</p>}
        </>
      )}
    </EditForm>
  );
}

function toValues(user: User): Values {
  return {
    username: user.username,
    email: user.email,
    first_name: user.first_name ?? "",
    last_name: user.last_name ?? "",
    role: user.role,
    is_active: String(user.is_active),
  };
}

/** Who can assign roles need not be able to change users: then there is an operation for the role alone. */
function save(id: string, changes: Values, over: Versioned<User>, isEditor: boolean) {
  const params = { path: { id }, header: { "If-Match": over.etag } };
  if (!isEditor) {
    const body = { role: changes.role ?? over.data.role };
    return okWithTag(api.PUT("/v1/users/{id}/role", { params, body }));
  }
  return okWithTag(api.PATCH("/v1/users/{id}", { params, body: toUpdate(changes) }));
}

function toUpdate({ username, email, first_name, last_name, role, is_active }: Values): Update {
  return {
    ...(username !== undefined && { username }),
    ...(email !== undefined && { email }),
    ...(first_name !== undefined && { first_name: first_name || null }),
    ...(last_name !== undefined && { last_name: last_name || null }),
    ...(role !== undefined && { role }),
    ...(is_active !== undefined && { is_active: is_active === "true" }),
  };
}
