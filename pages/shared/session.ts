// The session of this page, and whether it goes on after a reload.
import { useEffect, useState } from "preact/hooks";
import type { SessionState } from "roster-client";
import { api } from "./api.ts";

/** Says that there is a cookie to log in with. It is no token: it saves people without the cookie a request that fails. */
const STAYS = "roster.stays_signed_in";

const { session } = api;

// If someone else has logged in, in another tab, the cookie is theirs, and stays.
session.subscribe(() => {
  if (session.state) setStays(session.state.refreshToken === undefined);
  else if (session.endReason !== "other_user") setStays(false);
});

/** The current session, in a component, which is rendered again when it changes. */
export function useSession(): SessionState | undefined {
  const [state, setState] = useState(session.state);
  useEffect(() => {
    const update = () => setState(session.state);
    update();
    return session.subscribe(update);
  }, []);
  return state;
}

/** Logs in with the cookie of "stay signed in", if there may be one. */
export async function resumeSession(): Promise<void> {
  if (readStays()) await session.refresh();
}

function readStays(): boolean {
  try {
    return localStorage.getItem(STAYS) !== null;
  } catch {
    return false;
  }
}

// Browsers may refuse storage.
function setStays(stays: boolean): void {
  try {
    if (stays) localStorage.setItem(STAYS, "1");
    else localStorage.removeItem(STAYS);
  } catch {}
}
