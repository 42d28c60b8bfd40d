import { NIL, parse, stringify, v7 } from "uuid";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The id of nobody and nothing (RFC 9562 section 5.9). */
export const NIL_ID = NIL;

/** A new UUIDv7 in lower case (RFC 9562 section 5.7): ids sort by creation time. */
export function newId(): string {
  return v7();
}

/** The canonical lower-case form of a UUID in either case, or undefined (RFC 9562 section 4). */
export function parseId(text: string): string | undefined {
  const id = text.toLowerCase();
  return UUID.test(id) ? id : undefined;
}

/** The 16 bytes of an id. */
export function idToBytes(id: string): Uint8Array {
  return parse(id);
}

/** The id with these 16 bytes, or undefined if they are not a UUID. */
export function idFromBytes(bytes: Uint8Array): string | undefined {
  try {
    return stringify(bytes);
  } catch {
    return undefined;
  }
}

/** The smallest UUIDv7 of a time in milliseconds: ids created earlier are smaller, ids created later are not. */
export function firstIdAt(ms: number): string {
  const time = Math.max(0, ms).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}
