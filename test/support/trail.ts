import { send } from "./api.ts";
import { sqlRun } from "./fixtures.ts";

/** An event of the model: what was inserted into the trail. */
export interface ModelEvent {
  id: string;
  action: string;
  actor_id: string | null;
  target_id: string | null;
  origin_of: string | null;
  created_at: number;
}

/** An event as the API returns it. */
export type Listed = any;

/** An id like that of an event which was recorded at a time. */
export function eventIdAt(ms: number, number: number): string {
  const time = ms.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(number).padStart(12, "0")}`;
}

/** Adds events to the trail. */
export async function insertEvents(events: readonly ModelEvent[]): Promise<void> {
  for (let start = 0; start < events.length; start += 2000) {
    await sqlRun(
      `INSERT INTO audit_events (id, action, actor_type, actor_id, target_type, target_id, origin_of, created_at)
       SELECT value ->> 'id', value ->> 'action', 'user', value ->> 'actor_id', 'user', value ->> 'target_id', value ->> 'origin_of',
         value ->> 'created_at' FROM json_each(?)`,
      JSON.stringify(events.slice(start, start + 2000)),
    );
  }
}

/** All pages of a list of events, with the answers. `between` runs after each page. */
export async function walkEvents(
  path: string,
  token: string,
  between: () => Promise<void> = async () => undefined,
) {
  const items: Listed[] = [];
  const answers: Awaited<ReturnType<typeof send>>[] = [];
  let cursor = "";
  do {
    const separator = path.includes("?") ? "&" : "?";
    const answer = await send(`${path}${cursor && `${separator}cursor=${cursor}`}`, { token });
    if (answer.status !== 200) throw new Error(answer.text);
    answers.push(answer);
    items.push(...answer.body.data);
    cursor = answer.body.pagination.next_cursor ?? "";
    await between();
  } while (cursor && answers.length < 500);
  return { items, answers };
}
