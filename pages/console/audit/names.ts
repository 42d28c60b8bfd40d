import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../shared/api.ts";
import { useSession } from "../../shared/session.ts";
import type { AuditEvent } from "./data.ts";

/** Names cost a request each, and requests are limited per hour. Who is not looked up is shown by id. */
const MAX_LOOK_UPS = 100;

/** The usernames of the users in these events, by id, as far as the caller may read them and they are known by now. */
export function useNames(events: readonly AuditEvent[]): ReadonlyMap<string, string> {
  const mayRead = useSession()?.permissions.has("users:read") ?? false;
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  const asked = useRef(new Set<string>());
  const wanted = [...new Set(events.flatMap(listUserIds))].join(" ");
  useEffect(() => {
    if (!mayRead || !wanted) return;
    for (const id of wanted.split(" ")) {
      if (asked.current.has(id) || asked.current.size >= MAX_LOOK_UPS) continue;
      asked.current.add(id);
      void readName(id).then(
        (name) => name && setNames((known) => new Map(known).set(id, name)),
        () => undefined,
      );
    }
  }, [mayRead, wanted]);
  return names;
}

/** The user who acted or whose API key acted. */
export function findActingUser(event: AuditEvent): string | undefined {
  const { actor_type, actor_id, metadata } = event;
  if (actor_type === "user") return actor_id ?? undefined;
  const owner = actor_type === "api_key" ? metadata.user_id : undefined;
  return typeof owner === "string" ? owner : undefined;
}

function listUserIds(event: AuditEvent): string[] {
  const target = event.target_type === "user" ? event.target_id : undefined;
  return [findActingUser(event), target].filter((id) => typeof id === "string");
}

// Deleted users have no page, and erased users no name.
async function readName(id: string): Promise<string | undefined> {
  const { data } = await api.GET("/v1/users/{id}", { params: { path: { id } } });
  return data?.username;
}
