// npm run test:tour: runs the commands of the README's tour against a new worker with the default limits, and fails if a response
// differs from the one that the README shows.
import { withDevServer } from "./server.ts";
import { checkSteps, readTour } from "./steps.ts";

await withDevServer(async (server) => {
  const count = await checkSteps(readTour(), server);
  console.log(`All ${count} steps of the tour match the README.`);
});
