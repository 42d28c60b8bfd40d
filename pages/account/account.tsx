import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { LogIn } from "../login/log-in.tsx";
import { api } from "../shared/api.ts";
import { useSession } from "../shared/session.ts";
import { useTexts } from "../texts/texts.ts";
import { Footer, useTitle } from "../ui/layout.tsx";
import { Sections } from "./sections.tsx";

/** A person's own account. */
export function Account() {
  const session = useSession();
  const { route } = useLocation();
  const [isDeleted, setDeleted] = useState(false);
  const { account } = useTexts();
  useTitle(account.title);
  const leave = () => {
    setDeleted(true);
    void api.session.forget();
    route("/account", true);
  };
  if (session) return <Sections onDeleted={leave} />;
  const farewell = { kind: "success", text: account.data.deleted } as const;
  return (
    <>
      <LogIn {...(isDeleted && { first: { name: "start", announcement: farewell } })} />
      <Footer />
    </>
  );
}
