import fc from "fast-check";
import { readAccessRule } from "../../scripts/lib/access-matrix.ts";
import type { OpenApiDocument } from "../support/openapi-document.ts";
import type { ActorKind } from "./actors.ts";
import { findFaults, type Judge } from "./checks.ts";
import { abbreviate, type Incoming, type Outgoing, toCurl } from "./http.ts";
import { prepare } from "./outgoing.ts";
import { type Plan, planRequests, type Target } from "./plans.ts";
import { prepareActor } from "./prepare.ts";
import { type Cast, findActor, learn } from "./world.ts";

/** Requests by these actors, with a weight per kind of operation. */
export interface Phase {
  name: string;
  kinds: readonly ActorKind[];
  /** The share of all requests. */
  share: number;
  /** How much more often operations are called that need a permission than others. */
  permissionWeight: number;
}

/** What was wrong with a response, and the request that shows it. */
export interface Finding {
  operation: string;
  actor: ActorKind;
  faults: string[];
  seed: number;
  curl: string;
  response: string;
  times: number;
  /** How many requests had been sent when it was found. */
  after: number;
}

/** How an operation has answered. */
interface Tally {
  requests: number;
  /** Responses of success to requests by the method, the path and a credential that the operation expects. */
  successes: number;
  statuses: Map<number, number>;
}

export interface Results {
  tallies: Map<string, Tally>;
  findings: Map<string, Finding>;
  /** How many requests were sent. */
  sent: number;
}

export interface RunOptions {
  judge: Judge;
  document: OpenApiDocument;
  targets: readonly Target[];
  requests: number;
  seed: number;
  concurrency: number;
  results: Results;
}

/** How many requests to an operation follow each other. */
const CHUNK = 12;
/** How often a request is made smaller. */
const MAX_SHRINKS = 60;

interface Chunk {
  target: Target;
  runs: number;
  seed: number;
}

/** Sends the requests of a phase, in several lines at once. Adds to the results. */
export async function runPhase(phase: Phase, options: RunOptions): Promise<void> {
  const queue = planChunks(phase, options);
  const lines = Array.from({ length: options.concurrency }, async () => {
    const cast: Cast = new Map();
    for (let chunk = queue.pop(); chunk; chunk = queue.pop()) {
      await runChunk(phase, options, cast, chunk);
    }
  });
  await Promise.all(lines);
}

function planChunks(phase: Phase, { targets, requests, seed }: RunOptions): Chunk[] {
  const weights = targets.map((target) => {
    const { kind } = readAccessRule(target.name, target.documented);
    return kind === "permission" ? phase.permissionWeight : 1;
  });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const chunks = targets.flatMap((target, i) => {
    const runs = Math.max(1, Math.round((requests * phase.share * (weights[i] ?? 0)) / sum));
    return Array.from({ length: Math.ceil(runs / CHUNK) }, (_, k) => ({
      target,
      runs: Math.min(CHUNK, runs - k * CHUNK),
      seed: hash(`${seed} ${phase.name} ${target.id} ${k}`),
    }));
  });
  return chunks.toSorted((a, b) => a.seed - b.seed);
}

// FNV-1a.
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const char of text) value = Math.imul(value ^ char.charCodeAt(0), 0x01000193);
  return value | 0;
}

interface Failure {
  actor: ActorKind;
  outgoing: Outgoing;
  got: Incoming;
  faults: string[];
}

const plans = new Map<string, fc.Arbitrary<Plan>>();

async function runChunk(phase: Phase, options: RunOptions, cast: Cast, chunk: Chunk) {
  const { target, runs, seed } = chunk;
  const plan = plans.get(target.id) ?? planRequests(options.document, target);
  plans.set(target.id, plan);
  let failure: Failure | undefined;
  let failed = 0;
  const property = fc.asyncProperty(fc.constantFrom(...phase.kinds), plan, async (kind, one) => {
    const found = await execute(options, cast, { kind, target, plan: one });
    if (found.faults.length === 0 || isKnown(options.results, target, found)) return;
    failed += 1;
    if (failed > MAX_SHRINKS) return;
    failure = found;
    throw new Error(found.faults.join("; "));
  });
  const { failed: hasFailed, errorInstance } = await fc.check(property, { seed, numRuns: runs });
  if (failure) addFinding(options, target, failure, seed);
  else if (hasFailed) throw errorInstance;
}

const keyOf = (target: Target, fault: string) => `${target.id}: ${fault.replaceAll(/\d+/g, "#")}`;

function isKnown({ findings }: Results, target: Target, { faults }: Failure): boolean {
  const known = faults.flatMap((fault) => findings.get(keyOf(target, fault)) ?? []);
  for (const finding of known) finding.times += 1;
  return known.length === faults.length;
}

function addFinding(options: RunOptions, target: Target, found: Failure, seed: number): void {
  const { status, headers, text } = found.got;
  const finding: Finding = {
    operation: target.id,
    actor: found.actor,
    faults: found.faults,
    seed,
    curl: toCurl(options.judge.origin, found.outgoing),
    response: `${status} ${headers.get("Content-Type") ?? ""}\n${abbreviate(text)}`,
    times: 1,
    after: options.results.sent,
  };
  for (const fault of found.faults) options.results.findings.set(keyOf(target, fault), finding);
}

interface Call {
  kind: ActorKind;
  target: Target;
  plan: Plan;
}

async function execute(
  options: RunOptions,
  cast: Cast,
  { kind, target, plan }: Call,
): Promise<Failure> {
  const { judge, results } = options;
  const { world } = judge;
  const actor = await findActor(world, cast, kind);
  await prepareActor(world, actor, target);
  const prepared = prepare(world, actor, target, plan);
  const { outgoing } = prepared;
  const got = await world.send(outgoing);
  actor.sent += 1;
  count(results, target, { status: got.status, isOdd: prepared.isOdd });
  const path = outgoing.path.split("?")[0] ?? "";
  learn(world, actor, target, path, got);
  if (got.status === 401 && !prepared.isOdd && got.text.includes('"unauthenticated"')) {
    actor.isDead = kind !== "anonymous";
  }
  // The account as it was registered may not be able to log in any more.
  if (got.status < 300 && /password|deleteUser|erase|email/i.test(target.id)) actor.sent += 20;
  return {
    actor: kind,
    outgoing,
    got,
    faults: findFaults(judge, { actor, target, prepared }, got),
  };
}

interface Counted {
  status: number;
  isOdd: boolean;
}

function count(results: Results, { id }: Target, { status, isOdd }: Counted): void {
  const { tallies } = results;
  const tally = tallies.get(id) ?? { requests: 0, successes: 0, statuses: new Map() };
  results.sent += 1;
  tally.requests += 1;
  if (!isOdd && status < 400) tally.successes += 1;
  tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1);
  tallies.set(id, tally);
}
