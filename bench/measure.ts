import { setTimeout } from "node:timers/promises";
import type { Answer } from "./client.ts";
import { readCpuMs } from "./cpu.ts";

/** Minimum CPU time of a task per round, in milliseconds: many ticks of 10 ms. */
const BLOCK_CPU_MS = 320;
/** Number of slices into which each block is divided, to alternate with the slices of its floor. */
const SLICES = 4;
/** CPU time of the warm-up before the first round, in milliseconds, until JIT compilation has settled. */
const WARM_UP_CPU_MS = 1000;
/** Time for work after the last response of a slice to end. */
const SETTLE_MS = 10;

/** Sends one request. Lanes run concurrently, requests of a lane sequentially. */
export type Run = (lane: number) => Promise<Answer>;

export interface Task {
  run: Run;
  concurrency: number;
}

/** The cost of a request, from its `Server-Timing` header. */
export interface Costs {
  trips: number;
  rowsRead: number;
  rowsWritten: number;
  kv: number;
}

export interface Measurement {
  cpuMs: number;
  costs: Costs;
  floor?: { cpuMs: number; ratio: Quartiles };
}

export interface Quartiles {
  lower: number;
  median: number;
  upper: number;
}

interface Block {
  /** Runs one slice and returns its CPU time in milliseconds. */
  runSlice(): Promise<number>;
  requests: number;
  /** The `Server-Timing` headers of all its requests. */
  timings: string[];
}

/**
 * Measures the CPU time of a worker process per request of a task, and per request of its floor. The speed of a busy machine
 * varies, so slices of the two alternate within a round and the ratio is calculated per round.
 */
export async function measure(
  pid: number,
  rounds: number,
  task: Task,
  floor?: Task,
): Promise<Measurement> {
  const slices = floor ? SLICES : 1;
  const own = await prepareBlock(pid, task, slices);
  const base = floor && (await prepareBlock(pid, floor, slices));
  const blocks = base ? [own, base] : [own];
  const results = new Map(blocks.map((block) => [block, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [block, cpuMs] of await runRound(blocks, slices)) {
      results.get(block)?.push(cpuMs / block.requests);
    }
  }
  const ownCpu = results.get(own) ?? [];
  const measurement = { cpuMs: quartiles(ownCpu).median, costs: toCosts(own.timings) };
  if (!base) return measurement;
  const baseCpu = results.get(base) ?? [];
  const ratios = ownCpu.map((cpuMs, round) => cpuMs / (baseCpu[round] ?? Number.NaN));
  return {
    ...measurement,
    floor: { cpuMs: quartiles(baseCpu).median, ratio: quartiles(ratios) },
  };
}

/** Runs one round and returns the CPU milliseconds of each block. The blocks take turns to go first. */
async function runRound(blocks: readonly Block[], slices: number): Promise<Map<Block, number>> {
  const spent = new Map<Block, number>();
  for (let slice = 0; slice < slices; slice++) {
    for (const block of slice % 2 === 0 ? blocks : blocks.toReversed()) {
      spent.set(block, (spent.get(block) ?? 0) + (await block.runSlice()));
    }
  }
  return spent;
}

/** Warms a task up and determines the number of requests per block. */
async function prepareBlock(pid: number, task: Task, slices: number): Promise<Block> {
  let batch = task.concurrency;
  let cpuMs = await runRequests(pid, task, batch, []);
  for (let spent = cpuMs; spent < WARM_UP_CPU_MS || cpuMs < BLOCK_CPU_MS / 2; spent += cpuMs) {
    if (cpuMs < BLOCK_CPU_MS / 2) batch *= 2;
    cpuMs = await runRequests(pid, task, batch, []);
  }
  const requests = Math.ceil((BLOCK_CPU_MS / slices) * (batch / cpuMs));
  const timings: string[] = [];
  return {
    runSlice: () => runRequests(pid, task, requests, timings),
    requests: requests * slices,
    timings,
  };
}

async function runRequests(
  pid: number,
  { run, concurrency }: Task,
  requests: number,
  timings: string[],
): Promise<number> {
  const start = readCpuMs(pid);
  let left = requests;
  const work = async (_: unknown, lane: number) => {
    while (left-- > 0) timings.push((await run(lane)).timing);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  await setTimeout(SETTLE_MS);
  return readCpuMs(pid) - start;
}

function toCosts(timings: readonly string[]): Costs {
  const figure = (field: string) => {
    const pattern = new RegExp(`\\b${field}=(\\d+)`);
    return quartiles(timings.map((timing) => Number(pattern.exec(timing)?.[1]))).median;
  };
  return {
    trips: figure("queries"),
    rowsRead: figure("rows_read"),
    rowsWritten: figure("rows_written"),
    kv: figure("reads") + figure("writes"),
  };
}

function quartiles(values: readonly number[]): Quartiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => {
    const position = (sorted.length - 1) * share;
    const below = sorted[Math.floor(position)] ?? Number.NaN;
    const above = sorted[Math.ceil(position)] ?? Number.NaN;
    return below + (above - below) * (position % 1);
  };
  return { lower: at(0.25), median: at(0.5), upper: at(0.75) };
}
