import { findRevokedBefore } from "./access/revocation.ts";
import { createApp } from "./app.ts";
import { type Bindings, createContext, getIsolate } from "./context.ts";
import { runJobs } from "./cron.ts";
import { writeCountsLater } from "./http/request-metrics.ts";
import { newId } from "./lib/ids.ts";
import { createMeter } from "./lib/meter.ts";
import { beginSpan, type Trace } from "./lib/trace.ts";
import { createLog } from "./platform/logger.ts";

const app = createApp();

export default {
  fetch: app.fetch,
  async scheduled(controller, bindings, executionContext) {
    const requestId = newId();
    const config = await getIsolate(bindings).config;
    const minLevel = config.ok ? config.config.logLevel : "info";
    const createRunLog = (span: Trace) =>
      createLog(() => ({
        minLevel,
        fields: { request_id: requestId, trace_id: span.traceId, span_id: span.spanId },
      }));
    if (!config.ok) {
      createRunLog(beginSpan())("error", "cron.misconfigured", { faults: config.faults });
      return;
    }
    // Each job is a trace of its own.
    const createJobContext = () => {
      const trace = beginSpan();
      return createContext({
        bindings,
        config: config.config,
        meter: createMeter(),
        actor: { type: "system" },
        client: { ip: null, userAgent: null, country: null },
        requestId,
        trace,
        log: createRunLog(trace),
        waitUntil: (work) => executionContext.waitUntil(work),
      });
    };
    const revokedBefore = await findRevokedBefore(createJobContext());
    await runJobs(() => ({ ...createJobContext(), revokedBefore }), controller.cron);
    const waitUntil = (work: Promise<unknown>) => executionContext.waitUntil(work);
    writeCountsLater({ bindings, log: createRunLog(beginSpan()), waitUntil });
  },
} satisfies ExportedHandler<Bindings>;
