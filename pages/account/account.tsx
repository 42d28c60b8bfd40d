import { LogIn } from "../login/log-in.tsx";
import { useSession } from "../shared/session.ts";
import { useTexts } from "../texts/texts.ts";
import { Footer, Layout, useTitle } from "../ui/layout.tsx";

/** A person's own account. */
export function Account() {
  const session = useSession();
  const { account } = useTexts();
  useTitle(account.title);
  if (!session) {
    return (
      <>
        <LogIn />
        <Footer />
      </>
    );
  }
  return (
    <Layout title={account.title} navigation={account.title} links={[]}>
      <h1>{account.title}</h1>
    </Layout>
  );
}
