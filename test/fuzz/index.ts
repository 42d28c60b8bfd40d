// npm run fuzz [-- --requests N] [--seed S] [--operation ID] [--record]: sends generated requests to every operation of the OpenAPI
// document over real HTTP, as people and API keys of several roles, and checks every response.
import { writeFileSync } from "node:fs";
import { readCommandLine, readCount, refuseCommandLine } from "../../scripts/lib/command-line.ts";
import { createComparison } from "../support/comparison.ts";
import { inlineComponents, type OpenApiDocument } from "../support/openapi-document.ts";
import { get } from "./actors.ts";
import { findAnomalies, watchCreated } from "./aftermath.ts";
import type { Judge } from "./checks.ts";
import { createSender, type Send } from "./http.ts";
import { runPhases } from "./phases.ts";
import type { Target } from "./plans.ts";
import {
  describeFinding,
  describeTallies,
  findUnreached,
  type Outcome,
  toRecord,
} from "./report.ts";
import { type Results, runPhase } from "./run.ts";
import { watchLog } from "./secrets.ts";
import { createRoot, type Service, withService } from "./service.ts";
import { createWorld, noteMail, type World } from "./world.ts";

const CONCURRENCY = 16;
const RECORD = new URL("../../docs/results/fuzz.json", import.meta.url);

const USAGE = `Usage:
  npm run fuzz [-- --requests N] [--seed S] [--operation ID] [--record]
Sends generated requests to every operation of a service of its own, as people and API keys of several roles, checks every response,
and checks at the end what must be true of the database and of the log.
--requests N is 20000 by default.
--seed S is a whole number that chooses the requests: the same ones for the same number, 1 by default.
--operation ID sends requests to one operation only, such as createUser.
--record writes docs/results/fuzz.json.
The service has no rate limits, and its mailbox, login provider and database are at hand, so a deployed one cannot be tested.`;

const { values: options } = readCommandLine(USAGE, {
  options: {
    requests: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    operation: { type: "string" },
    record: { type: "boolean", default: false },
  },
});
const requests = readCount(USAGE, "--requests", options.requests);
const seed = readCount(USAGE, "--seed", options.seed);

await withService(async (service) => {
  const { send, close } = createSender(service.url, CONCURRENCY);
  try {
    const isClean = await fuzz(service, send);
    process.exitCode = isClean ? 0 : 1;
  } finally {
    close();
  }
});

async function fuzz(service: Service, sendOne: Send): Promise<boolean> {
  const log = watchLog(service, sendOne);
  const { send, created } = watchCreated(log.send);
  const document = inlineComponents(await get(sendOne, "/openapi.json", {})) as OpenApiDocument;
  const world = await prepareWorld(service, send);
  const judge: Judge = {
    compare: createComparison(structuredClone(document)),
    world,
    secrets: await service.listSecrets(world.victims),
    origin: service.url,
  };
  const results: Results = { tallies: new Map(), findings: new Map(), sent: 0 };
  const targets = listTargets(document);
  const run = { judge, document, targets, requests, seed, concurrency: CONCURRENCY, results };
  const start = performance.now();
  const violations = [
    ...(await runPhases(service, world, (phase) => runPhase(phase, run))),
    ...(await findAnomalies(service, world, created)),
    ...log.findFaults([...judge.secrets, ...listMailed(world)]),
    ...findUnreached(results.tallies),
  ];
  const seconds = (performance.now() - start) / 1000;
  return report({ results, violations, seed, seconds });
}

async function prepareWorld(service: Service, send: Send): Promise<World> {
  const openAccounts = (noted: (id: string) => void) => createRoot(service, send, noted);
  const world = await createWorld(send, openAccounts, service.relaxRoles);
  service.watchMails((to, text) => noteMail(world, to, text));
  for (const victim of world.victims) {
    const id = await service.addIdentity(victim);
    world.shared.set("foreign-identities", [id, ...(world.shared.get("foreign-identities") ?? [])]);
  }
  return world;
}

/** The tokens and codes of all emails. */
function listMailed({ mails }: World): string[] {
  return [...mails.values()].flatMap(({ tokens, codes }) => [...tokens, ...codes]);
}

/** Prints what was found. Returns whether it is nothing. */
function report(outcome: Outcome): boolean {
  const { results, violations } = outcome;
  console.log(describeTallies(results.tallies));
  for (const finding of new Set(results.findings.values())) console.log(describeFinding(finding));
  for (const violation of violations) console.log(`FAIL  ${violation}`);
  const record = toRecord(outcome);
  console.log(
    `${record.requests} requests in ${record.seconds} s with the seed ${seed}: ${record.findings.length} findings.`,
  );
  if (options.record) writeFileSync(RECORD, `${JSON.stringify(record, null, 2)}\n`);
  return record.findings.length === 0;
}

function listTargets(document: OpenApiDocument): Target[] {
  const targets = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([verb, documented]): Target => {
      const method = verb.toUpperCase();
      const id = documented.operationId ?? "";
      return { id, name: `${method} ${path}`, method, path, documented };
    }),
  );
  const chosen = targets.filter(({ id }) => (options.operation ?? id) === id);
  if (chosen.length === 0) refuseCommandLine(USAGE, `There is no operation ${options.operation}.`);
  return chosen;
}
