// npm run test:pages [-- NAME…]: uses the browser pages as people would, in Chromium. CHROMIUM_PATH is the browser's path.
import { withBrowser } from "./browser.ts";
import { testAnalytics } from "./pages/analytics.ts";
import { testAudit } from "./pages/audit.ts";
import { testConsole } from "./pages/console.ts";
import { testUser } from "./pages/user.ts";
import { testOperations } from "./pages/operations.ts";
import { testRoles } from "./pages/roles.ts";
import { testUsers } from "./pages/users.ts";
import { withDevServer } from "./server.ts";

const TESTS = { console: testConsole, users: testUsers, user: testUser };
const TESTS = {
  console: testConsole,
  users: testUsers,
  roles: testRoles,
  audit: testAudit,
  operations: testOperations,
  analytics: testAnalytics,
};

const chosen = process.argv.slice(2);

await withDevServer(
  (server) =>
    withBrowser(async (browser) => {
      for (const [name, test] of Object.entries(TESTS)) {
        if (chosen.length > 0 && !chosen.includes(name)) continue;
        const start = performance.now();
        await test(browser, server);
        console.log(`${name}: passed in ${((performance.now() - start) / 1000).toFixed(0)} s`);
      }
    }),
  { RATE_LIMIT_AUTH: "0", RATE_LIMIT_WRITE: "0", RATE_LIMIT_REFRESH: "0", EMAIL_LOGIN: "on" },
);
