import type { ComponentType } from "preact";
import { useLocation } from "preact-iso";
import { takeMailLink } from "../links/mail-link.ts";
import { handOver, takeCallback } from "../login/callback.ts";
import { start } from "../shared/app.tsx";
import { Account } from "./account.tsx";

// What the address carries is taken and removed before anything else.
const answer = takeCallback();
const link = takeMailLink();
if (answer) handOver(answer);

/** The page that was opened. Links of emails lead on to the account. */
async function choosePage(): Promise<ComponentType> {
  if (answer) return (await import("../login/callback-page.tsx")).CallbackPage;
  if (!link) return Account;
  const { LinkPage } = await import("../links/link-page.tsx");
  return () => (useLocation().path === link.page ? <LinkPage link={link} /> : <Account />);
}

// Only a person who confirms an address goes on in the session that they may have.
const resumes = !answer && (!link || link.page === "/verify-email");
await start(await choosePage(), { resumes });
