import { useState } from "preact/hooks";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { useTitle } from "../../ui/layout.tsx";
import { type Loaded, Show, useLoad } from "../../ui/load.tsx";
import { Notice } from "../../ui/notice.tsx";
import { type Permission, type Role, readRolesAndPermissions } from "./data.ts";
import { DeleteRole } from "./delete-role.tsx";
import { CreateRole, EditRole } from "./edit-role.tsx";
import { Matrix } from "./matrix.tsx";
import { OwnPermissions } from "./own-permissions.tsx";

/** The roles, what each grants, and the permissions of the application. */
export function Roles() {
  const { console: texts } = useTexts();
  useTitle(texts.nav.roles);
  const loaded = useLoad(readRolesAndPermissions, []);
  return (
    <>
      <h1>{texts.nav.roles}</h1>
      <Show of={loaded}>{(data) => <Content {...data} reload={loaded.reload} />}</Show>
    </>
  );
}

interface ContentProps {
  roles: Role[];
  permissions: Permission[];
  reload: Loaded<unknown>["reload"];
}

type Task = { kind: "create" } | { kind: "edit" | "delete"; role: Role };

function Content({ roles, permissions, reload }: ContentProps) {
  const texts = useTexts().roles;
  const held = useSession()?.permissions ?? new Set<string>();
  const [task, setTask] = useState<Task>();
  const [done, setDone] = useState("");
  const close = () => setTask(undefined);
  const finish = (message: string) => {
    setDone(message);
    reload();
  };
  const mayWrite = held.has("roles:write");
  const mayChange = (role: Role) => mayWrite && role.permissions.every((name) => held.has(name));
  return (
    <>
      <p>{texts.intro}</p>
      {done && <Notice kind="success">{done}</Notice>}
      {mayWrite && (
        <div class="toolbar">
          <button type="button" class="primary" onClick={() => setTask({ kind: "create" })}>
            {texts.create}
          </button>
        </div>
      )}
      <div class="cards section">
        {roles.map((role) => (
          <RoleCard
            key={role.name}
            role={role}
            {...(mayChange(role) && {
              onEdit: () => setTask({ kind: "edit", role }),
              onDelete: () => setTask({ kind: "delete", role }),
            })}
          />
        ))}
      </div>
      <Matrix roles={roles} permissions={permissions} />
      <OwnPermissions permissions={permissions} onDone={finish} />
      {task?.kind === "create" && (
        <CreateRole permissions={permissions} onClose={close} onDone={finish} />
      )}
      {task?.kind === "edit" && (
        <EditRole role={task.role} permissions={permissions} onClose={close} onDone={finish} />
      )}
      {task?.kind === "delete" && <DeleteRole role={task.role} onClose={close} onDone={finish} />}
    </>
  );
}

interface CardProps {
  role: Role;
  onEdit?: () => void;
  onDelete?: () => void;
}

function RoleCard({ role, onEdit, onDelete }: CardProps) {
  const { roles: texts } = useTexts();
  const { name, description, permissions, require_mfa, is_system } = role;
  return (
    <article class="card" aria-label={name}>
      <h2 class="with-tags">
        {name}
        {is_system && <span class="tag">{texts.system}</span>}
      </h2>
      {description && <p>{description}</p>}
      <p class="hint">
        {texts.counted(permissions.length)}
        {require_mfa && ` · ${texts.requiresMfa}`}
      </p>
      {onEdit && (
        <div class="actions">
          <button type="button" aria-label={texts.editRole(name)} onClick={onEdit}>
            {texts.edit}
          </button>
          {!is_system && (
            <button type="button" aria-label={texts.deleteRole(name)} onClick={onDelete}>
              {texts.remove}
            </button>
          )}
        </div>
      )}
    </article>
  );
}
