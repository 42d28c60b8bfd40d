// npm run test:clients: packs the packages in clients/, installs the files in an empty folder, and uses them from there against a new
// worker: the examples of their READMEs, sessions, retries, and services that verify tokens.
import { rm } from "node:fs/promises";
import { readNames } from "../../scripts/lib/command-line.ts";
import { testCollection } from "./clients/collection.ts";
import { installPacked } from "./clients/packed.ts";
import { testReadmes } from "./clients/readmes.ts";
import { testRequests } from "./clients/requests.ts";
import { testServices } from "./clients/services.ts";
import { testSessions } from "./clients/sessions.ts";
import { testStepUp } from "./clients/step-up.ts";
import { createAdmin, type Test } from "./clients/test.ts";
import { testVerifier } from "./clients/verifier.ts";
import { withDevServer } from "./server.ts";

const TESTS: Readonly<Record<string, Test>> = {
  readmes: testReadmes,
  sessions: testSessions,
  "step-up": testStepUp,
  requests: testRequests,
  verifier: testVerifier,
  services: testServices,
};

const SETTINGS = {
  RATE_LIMIT_AUTH: "0",
  RATE_LIMIT_REFRESH: "0",
  RATE_LIMIT_READ: "0",
  RATE_LIMIT_WRITE: "0",
};

const USAGE = `Usage:
  npm run test:clients [-- NAME…]
Installs the packages in clients/ from their tarballs and uses them: all tests, or those that are named.`;

const chosen = readNames(USAGE, Object.keys(TESTS));
await testCollection();
const installing = installPacked();
// Its failure is thrown below.
installing.catch(() => undefined);
try {
  await withDevServer(async (server) => {
    const folder = await installing;
    const admin = await createAdmin({ server, folder });
    for (const [name, test] of Object.entries(TESTS)) {
      if (chosen.length > 0 && !chosen.includes(name)) continue;
      const start = performance.now();
      const done = await test({ server, folder, admin });
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(`ok  ${name}: ${done} (${seconds} s)`);
    }
  }, SETTINGS);
} finally {
  const folder = await installing;
  await rm(folder, { recursive: true, force: true });
}
