import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { Confirm } from "../../ui/dialog.tsx";
import type { Role } from "./data.ts";

interface Props {
  role: Role;
  onClose: () => void;
  onDone: (message: string) => void;
}

/** Deletes a role, whose name must be typed. */
export function DeleteRole({ role: { name }, onClose, onDone }: Props) {
  const { roles: texts } = useTexts();
  const session = useSession();
  const remove = async () => {
    await ok(api.DELETE("/v1/roles/{name}", { params: { path: { name } } }));
    onDone(texts.deleted(name));
  };
  return (
    <Confirm
      title={texts.deleteTitle(name)}
      confirm={texts.remove}
      name={name}
      onConfirm={remove}
      onClose={onClose}
    >
      <p>{texts.deleteIntro}</p>
      {session?.permissions.has("users:read") && (
        <p>
          <a href={`/console/users?role=${name}`}>{texts.showUsers}</a>
        </p>
      )}
    </Confirm>
  );
}
