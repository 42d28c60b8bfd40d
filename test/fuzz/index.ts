// npm run fuzz [-- --requests N] [--seed S] [--operation ID] [--record]: sends generated requests to every operation of the OpenAPI
// document over real HTTP, as people and API keys of several roles, and checks every response.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createComparison } from "../support/comparison.ts";
import { inlineComponents, type OpenApiDocument } from "../support/openapi-document.ts";
import { get } from "./actors.ts";
import type { Judge } from "./checks.ts";
import { createSender, type Send } from "./http.ts";
import type { Target } from "./plans.ts";
import { describeFinding, describeTallies, toRecord } from "./report.ts";
import { type Phase, type Results, runPhase } from "./run.ts";
import { createRoot, type Service, withService } from "./service.ts";
import { createWorld, findActor, noteMail, type World } from "./world.ts";

const CONCURRENCY = 16;
const RECORD = new URL("../../docs/results/fuzz.json", import.meta.url);
const END_OF_TRAIL = "g";

const PEOPLE: Phase = {
  name: "people",
  kinds: ["anonymous", "user", "user", "user key"],
  share: 0.5,
  permissionWeight: 0.4,
};
const MODERATORS: Phase = {
  name: "moderators",
  kinds: ["moderator", "moderator key"],
  share: 0.15,
  permissionWeight: 1,
};
const ADMINISTRATORS: Phase = {
  name: "administrators",
  kinds: ["admin", "admin", "admin", "admin key", "user"],
  share: 0.35,
  permissionWeight: 2,
};

const { values: options } = parseArgs({
  options: {
    requests: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    operation: { type: "string" },
    record: { type: "boolean", default: false },
  },
});

await withService(async (service) => {
  const { send, close } = createSender(service.url, CONCURRENCY);
  try {
    const isClean = await fuzz(service, send);
    process.exitCode = isClean ? 0 : 1;
  } finally {
    close();
  }
});

async function fuzz(service: Service, send: Send): Promise<boolean> {
  const document = inlineComponents(await get(send, "/openapi.json", {})) as OpenApiDocument;
  const world = await createWorld(send, (noted) => createRoot(service, send, noted));
  service.watchMails((to, text) => noteMail(world, to, text));
  for (const victim of world.victims) {
    const id = await service.addIdentity(victim);
    world.shared.set("foreign-identities", [id, ...(world.shared.get("foreign-identities") ?? [])]);
  }
  const judge: Judge = {
    compare: createComparison(structuredClone(document)),
    world,
    secrets: await service.listSecrets(world.victims),
    origin: service.url,
  };
  const results: Results = { tallies: new Map(), findings: new Map() };
  const targets = listTargets(document);
  const requests = Number(options.requests);
  const seed = Number(options.seed);
  const run = { judge, document, targets, requests, seed, concurrency: CONCURRENCY, results };
  const start = performance.now();
  const violations = await runAll(service, world, (phase) => runPhase(phase, run));
  const seconds = (performance.now() - start) / 1000;
  console.log(describeTallies(results.tallies));
  for (const finding of new Set(results.findings.values())) console.log(describeFinding(finding));
  for (const violation of violations) console.log(`FAIL  ${violation}`);
  const record = toRecord({ results, violations, seed, seconds });
  console.log(
    `${record.requests} requests in ${seconds.toFixed(0)} s with the seed ${seed}: ${record.findings.length} findings.`,
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
  if (chosen.length === 0) throw new Error(`There is no operation ${options.operation}.`);
  return chosen;
}

/** Runs the phases, and checks between them what must have stayed as it was. */
async function runAll(
  service: Service,
  world: World,
  run: (phase: Phase) => Promise<void>,
): Promise<string[]> {
  const before = await Promise.all(world.victims.map((victim) => victim.read()));
  const roles = await readRoles(world);
  const violations: string[] = [];
  await run(PEOPLE);
  const trail = await service.digestTrail(END_OF_TRAIL);
  for (const [i, victim] of world.victims.entries()) {
    const now = await victim.read();
    if (now !== before[i]) violations.push(`a victim was changed:\n${before[i]}\n${now}`);
  }
  await run(MODERATORS);
  const admin = world.victims.findIndex(({ role }) => role === "admin");
  if ((await world.victims[admin]?.read()) !== before[admin]) {
    violations.push("moderators have changed an administrator");
  }
  violations.push(...(await findPromoted(world)));
  if ((await readRoles(world)) !== roles) violations.push("the roles were changed");
  await run(ADMINISTRATORS);
  const now = await service.digestTrail(trail.last);
  if (now.digest !== trail.digest) violations.push("audit events were changed or deleted");
  violations.push(...(await readTrail(service, world)));
  return violations;
}

async function readRoles(world: World): Promise<string> {
  const { headers } = await findActor(world, new Map(), "admin");
  const { data } = await get(world.send, "/v1/roles?limit=100", headers);
  return JSON.stringify(data);
}

/** Everyone with a role that nobody has given them. */
async function findPromoted(world: World): Promise<string[]> {
  const { headers } = await findActor(world, new Map(), "admin");
  const found: string[] = [];
  for (const role of ["moderator", "admin"]) {
    let cursor = "";
    do {
      const path = `/v1/users?limit=100&role=${role}${cursor && `&cursor=${cursor}`}`;
      const { data, pagination } = await get(world.send, path, headers);
      for (const { id, username } of data) {
        if (!world.privileged.has(id)) found.push(`${username} has become ${role}`);
      }
      cursor = pagination.next_cursor ?? "";
    } while (cursor);
  }
  return found;
}

/** An administrator can read every event. */
async function readTrail(service: Service, world: World): Promise<string[]> {
  const { headers } = await findActor(world, new Map(), "admin");
  const path = "/v1/audit-events?format=ndjson";
  const { count } = await service.digestTrail(END_OF_TRAIL);
  const { status, text } = await world.send({ method: "GET", path, headers, body: undefined });
  const lines = text.trimEnd().split("\n").length;
  if (status === 200 && lines >= count) return [];
  return [`the export of the audit trail answers ${status} with ${lines} of ${count} events`];
}
