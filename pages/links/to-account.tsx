import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { View } from "../login/flow.ts";
import { LogIn } from "../login/log-in.tsx";
import { useSession } from "../shared/session.ts";

/** The login, which leads on to the account. */
export function ToAccount({ first }: { first: View }) {
  const session = useSession();
  const { route } = useLocation();
  useEffect(() => {
    if (session) route("/account", true);
  }, [session, route]);
  return <LogIn first={first} />;
}
