import type { TargetedEvent } from "preact";
import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useSession } from "../../shared/session.ts";
import { Field, Select } from "../../ui/form.tsx";
import { useLoad } from "../../ui/load.tsx";

interface RoleFieldProps {
  label: string;
  name?: string;
  hint?: string;
  value: string;
  onInput: (event: TargetedEvent<HTMLInputElement | HTMLSelectElement>) => void;
  /** The text of the choice of no role, where that is one. */
  none?: string;
  /** Offers only roles that the person can assign: those without permissions that they lack. */
  isAssigned?: boolean;
}

/** A role: chosen from the list of roles, or typed by those who cannot read it. */
export function RoleField({ none, isAssigned = false, ...field }: RoleFieldProps) {
  const session = useSession();
  const isListed = session?.permissions.has("roles:read") ?? false;
  const roles = useLoad(async () => (isListed ? listRoles() : undefined), [isListed]);
  const props = { name: "role", ...field };
  if (!isListed || roles.problem)
    return <Field {...props} autoComplete="off" autoCapitalize="off" spellcheck={false} />;
  const offered = (roles.data ?? [])
    .filter(
      ({ permissions }) => !isAssigned || permissions.every((p) => session?.permissions.has(p)),
    )
    .map(({ name }) => name);
  const names = new Set([...(field.value ? [field.value] : []), ...offered]);
  const options = [...names].map((name) => [name, name] as const);
  return <Select {...props} options={none === undefined ? options : [["", none], ...options]} />;
}

async function listRoles(): Promise<{ name: string; permissions: string[] }[]> {
  const { data } = await ok(api.GET("/v1/roles", { params: { query: { limit: 100 } } }));
  // In the document, the names of permissions have more rules than a type can have.
  return data as { name: string; permissions: string[] }[];
}
