import { lazy, Route, Router } from "preact-iso";
import type { SessionState } from "roster-client";
import { LogIn } from "../login/log-in.tsx";
import { useSession } from "../shared/session.ts";
import { useTexts } from "../texts/texts.ts";
import { Footer, Layout, useTitle } from "../ui/layout.tsx";

// Each section is loaded when it is opened.
const Users = lazy(() => import("./users/users.tsx").then(({ Users }) => Users));
const UserPage = lazy(() => import("./user/user.tsx").then(({ UserPage }) => UserPage));
const Roles = lazy(() => import("./roles/roles.tsx").then(({ Roles }) => Roles));
const Audit = lazy(() => import("./audit/audit.tsx").then(({ Audit }) => Audit));
const Operations = lazy(() =>
  import("./operations/operations.tsx").then(({ Operations }) => Operations),
);
const Analytics = lazy(() =>
  import("./analytics/analytics.tsx").then(({ Analytics }) => Analytics),
);

/** The sections of the console, in order, each with the permission that its data needs. */
const SECTIONS = [
  { name: "users", permission: "users:read" },
  { name: "roles", permission: "roles:read" },
  { name: "audit", permission: "audit:read" },
  { name: "operations", permission: "metrics:read" },
  { name: "analytics", permission: "analytics:read" },
] as const;

/** The console of administrators. It offers what the person's role allows. */
export function Console() {
  const session = useSession();
  const texts = useTexts();
  useTitle(texts.console.title);
  if (!session) {
    return (
      <>
        <LogIn />
        <Footer />
      </>
    );
  }
  return <Sections session={session} />;
}

function Sections({ session }: { session: SessionState }) {
  const { login, ...texts } = useTexts();
  const { nav, title, navigation } = texts.console;
  const open = SECTIONS.filter(({ permission }) => session.permissions.has(permission));
  const links = open.map(({ name }) => ({ href: `/console/${name}`, text: nav[name] }));
  return (
    <Layout title={title} navigation={navigation} links={links}>
      {open.length === 0 ? (
        <>
          <h1>{title}</h1>
          <p>{login.polite}</p>
          <p>
            <a href="/account" target="_self">
              {login.toAccount}
            </a>
          </p>
        </>
      ) : (
        <Router>
          <Route path="/console/users" component={Users} />
          <Route path="/console/users/:id/:section?" component={UserPage} />
          <Route path="/console/roles" component={Roles} />
          <Route path="/console/audit" component={Audit} />
          <Route path="/console/operations" component={Operations} />
          <Route path="/console/analytics" component={Analytics} />
          <Route default component={FIRST[open[0]?.name ?? "users"]} />
        </Router>
      )}
    </Layout>
  );
}

const FIRST = {
  users: Users,
  roles: Roles,
  audit: Audit,
  operations: Operations,
  analytics: Analytics,
};
