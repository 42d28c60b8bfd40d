/** The pages that links in emails open. */
const PAGES = ["/verify-email", "/reset-password", "/email-login", "/invitation"] as const;

/** A link of an email, as it was opened. */
export interface MailLink {
  page: (typeof PAGES)[number];
  /** Empty if the link was cut off. */
  token: string;
  /** Whether the reader says that the account is not theirs. */
  isDisowned: boolean;
}

/**
 * The link with which the page was opened, if it is one of those in emails. Its token is removed from the address, and thus from the
 * history. Call it before anything else.
 */
export function takeMailLink(): MailLink | undefined {
  const page = PAGES.find((path) => path === location.pathname.replace(/\/+$/, ""));
  if (!page) return undefined;
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (location.hash) history.replaceState(null, "", page);
  // Another link to the same page, opened in this tab, changes nothing but the fragment.
  addEventListener("hashchange", () => {
    if (/^#(token|disown)=/.test(location.hash)) location.reload();
  });
  const disown = fragment.get("disown");
  return { page, token: disown ?? fragment.get("token") ?? "", isDisowned: disown !== null };
}
