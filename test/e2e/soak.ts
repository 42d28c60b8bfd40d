// npm run soak [-- --minutes 10 | --seconds 20] [--rate 15] [--isolates 3] [--seed 1] [--record]: mixes all kinds of operations at a rate
// for a time, against several isolates of the worker that share D1 and KV, while the scheduled jobs run, twice at once. A model says what
// must be true, and is compared with the service at the end: nothing is lost, nothing doubled, and the memory of the isolates stays flat.
// Fails if something differs. --record writes docs/results/soak.json.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { setTimeout } from "node:timers/promises";
import { readCommandLine, readCount } from "../../scripts/lib/command-line.ts";
import { type Isolates, withIsolates } from "./isolates.ts";
import { findFreePort } from "./server.ts";
import { CHECKS, type ReadRows } from "./soak/checks.ts";
import { watchMemory } from "./soak/memory.ts";
import { openOutbox } from "./soak/outbox.ts";
import { summarize } from "./soak/report.ts";
import { createRandom, createSend } from "./soak/service.ts";
import { createWorld, plantOldEvents } from "./soak/start.ts";
import { runTraffic } from "./soak/traffic.ts";

const FILE = new URL("../../docs/results/soak.json", import.meta.url);
const MINUTE_SECONDS = 60;
const SECOND = 1000;
const MINUTELY = "* * * * *";
const FIVE_MINUTES = "*/5 * * * *";
const HOURLY = "17 * * * *";
/** Jobs run more often than in production, so that they meet each other and the requests. */
const JOB_SECONDS = 5;
/** How often email that the provider has refused is tried again at the end. */
const LAST_RUNS = 5;

const USAGE = `Usage:
  npm run soak [-- --minutes N | --seconds N] [--rate N] [--isolates N] [--seed S] [--record]
Mixes all kinds of operations against several isolates of a service of its own, and compares it with a model at the end.
--minutes N is 10 by default. --rate N is the number of requests per second, 15 by default. --isolates N is 3 by default.
--seed S is a whole number that chooses the operations, 1 by default.
--record writes docs/results/soak.json.`;

const { values: options } = readCommandLine(USAGE, {
  options: {
    minutes: { type: "string", default: "10" },
    seconds: { type: "string" },
    rate: { type: "string", default: "15" },
    isolates: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
    record: { type: "boolean", default: false },
  },
});
const minutes = readCount(USAGE, "--minutes", options.minutes);
const seconds = readCount(USAGE, "--seconds", options.seconds ?? String(minutes * MINUTE_SECONDS));
const rate = readCount(USAGE, "--rate", options.rate);
const isolateCount = readCount(USAGE, "--isolates", options.isolates);
const seed = readCount(USAGE, "--seed", options.seed);

const outbox = await openOutbox();
const settings = {
  ...outbox.settings,
  APP_URL: "https://roster.test",
  REGISTRATION: "open",
  EMAIL_LOGIN: "on",
  PASSWORD_ITERATIONS: "1000",
  ACCESS_TOKEN_TTL_SECONDS: "3600",
  STEP_UP_MAX_AGE_SECONDS: "3600",
  LOG_SAMPLE_RATE: "0",
  RATE_LIMIT_AUTH: "0",
  RATE_LIMIT_REFRESH: "0",
  RATE_LIMIT_READ: "0",
  RATE_LIMIT_WRITE: "0",
};

const inspectorPort = await findFreePort();
await withIsolates(
  Array.from({ length: isolateCount }, () => settings),
  soak,
  inspectorPort,
).finally(outbox.close);

async function soak(isolates: Isolates): Promise<void> {
  const random = createRandom(seed);
  const { send, traffic } = createSend(isolates, random);
  const read: ReadRows = async <T>(sql: string, ...values: unknown[]) =>
    (
      await isolates.db
        .prepare(sql)
        .bind(...values)
        .all<T>()
    ).results;
  await plantOldEvents(isolates.db);
  const world = await createWorld(isolates.db, { send, random, outbox });
  const jobs = runJobs(isolates);
  const [progress, memory] = await Promise.all([
    runTraffic(world, { rate, seconds }),
    watchMemory(inspectorPort, seconds),
  ]);
  await jobs.stop();
  await drain(isolates);
  const checks: Record<string, string> = {};
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      checks[name] = await check(world, read);
    } catch (error) {
      progress.violations.push(`${name}: ${(error as Error).message}`);
    }
  }
  const report = summarize(
    { seconds, rate, isolates: isolates.urls.length, cores: cpus().length },
    {
      ...progress,
      traffic,
      memory,
      checks,
      jobs: jobs.count(),
    },
  );
  console.log(JSON.stringify(report, null, 2));
  if (options.record) writeFileSync(FILE, `${JSON.stringify(report, null, 2)}\n`);
  if (report.violations.length > 0) process.exitCode = 1;
}

/** Runs the jobs of all schedules again and again, each twice at once, until it is stopped. */
function runJobs({ runCron }: Isolates) {
  let isStopped = false;
  let count = 0;
  const work = (async () => {
    while (!isStopped) {
      for (const cron of [MINUTELY, FIVE_MINUTES, HOURLY]) {
        await Promise.all([runCron(cron), runCron(cron)]);
        count += 2;
      }
      await setTimeout(JOB_SECONDS * SECOND);
    }
  })();
  return {
    count: () => count,
    async stop() {
      isStopped = true;
      await work;
    },
  };
}

/** Lets the jobs finish what is left. Email that was refused is due at once. */
async function drain({ runCron, db }: Isolates): Promise<void> {
  for (let run = 0; run < LAST_RUNS; run += 1) {
    await db
      .prepare(
        "UPDATE mail_outbox SET next_attempt_at = 0 WHERE sent_at IS NULL AND failed_at IS NULL",
      )
      .run();
    await runCron(MINUTELY);
  }
  await runCron(HOURLY);
  await runCron(FIVE_MINUTES);
}
