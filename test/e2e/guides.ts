// npm run test:guides: runs the commands of docs/guides as they stand there, against a worker of its own,
// and fails where an answer is not the one that the guide shows.
import { readdirSync, readFileSync } from "node:fs";
import { withDevServer } from "./server.ts";
import { checkSteps } from "./steps.ts";

const GUIDES = new URL("../../docs/guides/", import.meta.url);

await withDevServer(
  async ({ url }) => {
    for (const name of readdirSync(GUIDES)) {
      const steps = await checkSteps(readFileSync(new URL(name, GUIDES), "utf8"), url);
      console.log(`${name}: ${steps} steps answer as it says.`);
    }
  },
  { RATE_LIMIT_AUTH: "0" },
);
