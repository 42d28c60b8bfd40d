// Where a person was in the list of users, so that they get back there from the page of a user. Kept in memory, because what they search
// for may be personal.

/** A place in the list. */
export interface Place {
  /** The query of the page's address. */
  address: string;
  q: string;
  cursors: readonly string[];
}

let last: { sessionId: string; place: Place } | undefined;

/** Keeps the place until the next one. */
export function rememberPlace(sessionId: string, place: Place): void {
  last = { sessionId, place };
}

/** The last place, if it belongs to this session and this address; else the beginning of the list. */
export function recallPlace(sessionId: string | undefined, address: string): Place {
  const isSame =
    last !== undefined && last.sessionId === sessionId && last.place.address === address;
  return isSame && last ? last.place : { address, q: "", cursors: [] };
}

/** The address of the list as it was last shown. */
export function lastListAddress(sessionId: string | undefined): string {
  return `/console/users${last && last.sessionId === sessionId ? last.place.address : ""}`;
}
