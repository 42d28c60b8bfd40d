import { useState } from "preact/hooks";
import { LogIn } from "../login/log-in.tsx";
import { forgetSession, useSession } from "../shared/session.ts";
import { useTexts } from "../texts/texts.ts";
import { Footer, useTitle } from "../ui/layout.tsx";
import { Farewell } from "./farewell.tsx";
import { Sections } from "./sections.tsx";

/** A person's own account. */
export function Account() {
  const session = useSession();
  const [isDeleted, setDeleted] = useState(false);
  const { account } = useTexts();
  useTitle(account.title);
  const leave = () => {
    setDeleted(true);
    forgetSession();
  };
  if (session) return <Sections onDeleted={leave} />;
  return (
    <>
      {isDeleted ? <Farewell onClose={() => setDeleted(false)} /> : <LogIn />}
      <Footer />
    </>
  );
}
