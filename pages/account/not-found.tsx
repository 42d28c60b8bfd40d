import { useTexts } from "../texts/texts.ts";
import { useTitle } from "../ui/layout.tsx";

/** What an address shows that is no page of the account. */
export function NotFound() {
  const { account, common } = useTexts();
  useTitle(common.pageNotFound);
  return (
    <>
      <h1>{common.pageNotFound}</h1>
      <p>
        <a href="/account">{account.nav.overview}</a>
      </p>
    </>
  );
}
