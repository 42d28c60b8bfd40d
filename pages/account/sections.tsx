import { lazy, Route, Router } from "preact-iso";
import { useTexts } from "../texts/texts.ts";
import { Layout } from "../ui/layout.tsx";
import { NotFound } from "./not-found.tsx";
import { Overview } from "./overview/overview.tsx";

// The first page is loaded at once, each other when it is opened.
const Email = lazy(() => import("./email/email.tsx").then(({ Email }) => Email));
const Password = lazy(() => import("./password/password.tsx").then(({ Password }) => Password));
const Sessions = lazy(() => import("./sessions/sessions.tsx").then(({ Sessions }) => Sessions));
const Factors = lazy(() => import("./factors/factors.tsx").then(({ Factors }) => Factors));
const Identities = lazy(() =>
  import("./identities/identities.tsx").then(({ Identities }) => Identities),
);
const ApiKeys = lazy(() => import("./api-keys/api-keys.tsx").then(({ ApiKeys }) => ApiKeys));
const Activity = lazy(() => import("./activity/activity.tsx").then(({ Activity }) => Activity));
const Data = lazy(() => import("./data/data.tsx").then(({ Data }) => Data));

/** The pages of an account, in order. */
const SECTIONS = [
  { name: "overview", href: "/account" },
  { name: "email", href: "/account/email" },
  { name: "password", href: "/account/password" },
  { name: "sessions", href: "/account/sessions" },
  { name: "factors", href: "/account/factors" },
  { name: "identities", href: "/account/identities" },
  { name: "apiKeys", href: "/account/api-keys" },
  { name: "activity", href: "/account/activity" },
  { name: "data", href: "/account/data" },
] as const;

/** What a person who is logged in can do with their account. `onDeleted` runs once the account is deleted. */
export function Sections({ onDeleted }: { onDeleted: () => void }) {
  const { account } = useTexts();
  const links = SECTIONS.map(({ name, href }) => ({ href, text: account.nav[name] }));
  return (
    <Layout title={account.title} navigation={account.navigation} links={links}>
      <Router>
        <Route path="/account" component={Overview} />
        <Route path="/account/email" component={Email} />
        <Route path="/account/password" component={Password} />
        <Route path="/account/sessions" component={Sessions} />
        <Route path="/account/factors" component={Factors} />
        <Route path="/account/identities" component={Identities} />
        <Route path="/account/api-keys" component={ApiKeys} />
        <Route path="/account/activity" component={Activity} />
        <Route path="/account/data" component={Data} onDeleted={onDeleted} />
        <Route default component={NotFound} />
      </Router>
    </Layout>
  );
}
