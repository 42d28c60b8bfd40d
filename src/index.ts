import { createApp } from "./app.ts";
import { type Bindings, createContext, getIsolate } from "./context.ts";
import { runJobs } from "./cron.ts";
import { writeCountsLater } from "./http/request-metrics.ts";
import { newId } from "./lib/ids.ts";
import { createMeter } from "./lib/meter.ts";
import { createLog } from "./platform/logger.ts";

const app = createApp();

export default {
  fetch: app.fetch,
  async scheduled(controller, bindings, executionContext) {
    const requestId = newId();
    const config = await getIsolate(bindings).config;
    const minLevel = config.ok ? config.config.logLevel : "info";
    const log = createLog(() => ({ minLevel, fields: { request_id: requestId } }));
    if (!config.ok) {
      log("error", "cron.misconfigured", { faults: config.faults });
      return;
    }
    const createJobContext = () =>
      createContext({
        bindings,
        config: config.config,
        meter: createMeter(),
        actor: { type: "system" },
        client: { ip: null, userAgent: null, country: null },
        requestId,
        log,
        waitUntil: (work) => executionContext.waitUntil(work),
      });
    await runJobs(createJobContext, controller.cron);
    writeCountsLater({ bindings, log, waitUntil: (work) => executionContext.waitUntil(work) });
  },
} satisfies ExportedHandler<Bindings>;
