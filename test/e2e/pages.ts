// npm run test:pages [-- NAME…]: uses the browser pages as people would, in Chromium. CHROMIUM_PATH is the browser's path.
import type { Browser } from "playwright-core";
import { readNames } from "../../scripts/lib/command-line.ts";
import { withBrowser } from "./browser.ts";
import { prepareIdentityProvider } from "./identity-provider.ts";
import { openMailbox } from "./mailbox.ts";
import { testAccount } from "./pages/account.ts";
import { testApiKeys } from "./pages/account-api-keys.ts";
import { testFactors } from "./pages/account-factors.ts";
import { testIdentities } from "./pages/account-identities.ts";
import { testSessions } from "./pages/account-sessions.ts";
import { testAnalytics } from "./pages/analytics.ts";
import { testAudit } from "./pages/audit.ts";
import { testConsole } from "./pages/console.ts";
import { testLinks } from "./pages/links.ts";
import { testLogin } from "./pages/login.ts";
import { testOperations } from "./pages/operations.ts";
import type { Surroundings } from "./pages/people.ts";
import { testProviders } from "./pages/providers.ts";
import { testRoles } from "./pages/roles.ts";
import { testStaySignedIn } from "./pages/stay-signed-in.ts";
import { testUser } from "./pages/user.ts";
import { testUsers } from "./pages/users.ts";
import { testWeight } from "./pages/weight.ts";
import { type DevServer, withDevServer } from "./server.ts";

type Test = (browser: Browser, server: DevServer, surroundings: Surroundings) => Promise<void>;

const TESTS: Readonly<Record<string, Test>> = {
  console: testConsole,
  weight: testWeight,
  login: testLogin,
  links: testLinks,
  providers: testProviders,
  account: testAccount,
  "account-sessions": testSessions,
  "account-factors": testFactors,
  "account-identities": testIdentities,
  "account-api-keys": testApiKeys,
  stay: testStaySignedIn,
  users: testUsers,
  user: testUser,
  roles: testRoles,
  audit: testAudit,
  operations: testOperations,
  analytics: testAnalytics,
};

const USAGE = `Usage:
  npm run test:pages [-- NAME…]
Uses the browser pages as people would, in Chromium: all of them, or those that are named.`;

const chosen = readNames(USAGE, Object.keys(TESTS));
const mailbox = await openMailbox();
const provider = await prepareIdentityProvider();

await withDevServer(
  (server) =>
    withBrowser(async (browser) => {
      for (const [name, test] of Object.entries(TESTS)) {
        if (chosen.length > 0 && !chosen.includes(name)) continue;
        const start = performance.now();
        await test(browser, server, { mailbox, provider });
        console.log(`${name}: passed in ${((performance.now() - start) / 1000).toFixed(0)} s`);
      }
    }),
  {
    RATE_LIMIT_AUTH: "0",
    RATE_LIMIT_WRITE: "0",
    RATE_LIMIT_REFRESH: "0",
    EMAIL_LOGIN: "on",
    ...mailbox.settings,
    ...provider.settings,
  },
).finally(mailbox.close);
