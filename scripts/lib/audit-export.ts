import { dayOf, type StoredEvent, timeOfId } from "../../src/lib/audit-seal.ts";
import { idOfLine } from "./audit-compare.ts";

/** Events of a file, by day: the lines of archived days, and the events of an export of the API. */
export interface ExportedEvents {
  archived: ReadonlyMap<string, readonly string[]>;
  exported: ReadonlyMap<string, readonly ExportedEvent[]>;
}

/** An event as the API exports it, without the members that depend on data keys. */
export interface ExportedEvent {
  id: string;
  action: string;
  actor_id: string | null;
  actor_type: string;
  target_id: string | null;
  target_type: string | null;
  request_id: string | null;
  changes: Record<string, unknown>;
  metadata: Record<string, unknown>;
  created_at: string;
}

/** Reads the lines of an archived day, of several, or of an export of the API. Throws if a line is not an event. */
export async function readExport(lines: AsyncIterable<string>): Promise<ExportedEvents> {
  const archived = new Map<string, string[]>();
  const exported = new Map<string, ExportedEvent[]>();
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (line === "") continue;
    const id = idOfLine(line);
    if (id === undefined) {
      throw new Error(
        `line ${number} is not an event. If it is the last one, the export broke off: export again.`,
      );
    }
    const day = dayOf(timeOfId(id));
    const event = JSON.parse(line) as ExportedEvent;
    if ("sealed_changes" in event) append(archived, day, line);
    else append(exported, day, event);
  }
  return { archived, exported };
}

function append<T>(map: Map<string, T[]>, day: string, item: T): void {
  const items = map.get(day);
  if (items) items.push(item);
  else map.set(day, [item]);
}

const SAME_FIELDS = [
  "action",
  "actor_id",
  "actor_type",
  "target_id",
  "target_type",
  "request_id",
] as const;

/** Whether an exported event says the same as the stored one, in what both have: personal data is not compared. */
export function isSameEvent(exported: ExportedEvent, stored: StoredEvent): boolean {
  const changes = parse(stored.changes);
  const known = Object.entries(changes).filter(([, change]) => change !== null);
  return (
    SAME_FIELDS.every((name) => exported[name] === stored[name]) &&
    Date.parse(exported.created_at) === stored.created_at &&
    isSame(exported.metadata, parse(stored.metadata)) &&
    isSame(Object.keys(exported.changes).sort(), Object.keys(changes).sort()) &&
    known.every(([name, change]) => isSame(exported.changes[name], change))
  );
}

function parse(json: string | number | null): Record<string, unknown> {
  return json === null ? {} : JSON.parse(String(json));
}

// Both were written from the same text, so that their members have the same order.
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
