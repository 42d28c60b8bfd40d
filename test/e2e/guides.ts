// npm run test:guides: runs the commands in docs/guides and docs/roles-and-api-keys.md against a new worker
// and fails if a response differs from the one that the guide shows.
import { readdirSync, readFileSync } from "node:fs";
import { withDevServer } from "./server.ts";
import { checkSteps } from "./steps.ts";

const DOCS = new URL("../../docs/", import.meta.url);

await withDevServer(
  async ({ url }) => {
    for (const name of ["roles-and-api-keys.md", ...listGuides()]) {
      const steps = await checkSteps(readFileSync(new URL(name, DOCS), "utf8"), url);
      console.log(`${name}: ${steps} steps match.`);
    }
  },
  { RATE_LIMIT_AUTH: "0" },
);

function listGuides(): string[] {
  return readdirSync(new URL("guides/", DOCS)).map((name) => `guides/${name}`);
}
