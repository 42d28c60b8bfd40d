import { type Load, runLoad, type Task } from "./load.ts";

/** The least CPU time of a slice, in milliseconds. */
const SLICE_CPU_MS = 300;
/** The CPU time of the warm-up, until JIT compilation has settled. */
const WARM_UP_CPU_MS = 6000;
const FIRST_REQUESTS = 16;

export interface Quartiles {
  lower: number;
  median: number;
  upper: number;
}

export interface Measurement {
  cpuMs: number;
  perSecond: number;
  p50: number;
  p95: number;
  p99: number;
  floor?: { cpuMs: number; ratio: Quartiles };
}

/** How to measure. All tasks run at the same concurrency. */
export interface Plan {
  pid: number;
  rounds: number;
  connections: number;
}

/**
 * Measures a task and its floor. The speed of a busy machine varies, so slices of the two alternate, the ratio is calculated per
 * round, and the result is the median of the rounds.
 */
export async function measure(plan: Plan, task: Task, floor?: Task): Promise<Measurement> {
  const requests = await warmUp(plan, task);
  const floorRequests = floor && (await warmUp(plan, floor));
  const loads: Load[] = [];
  const floorCpu: number[] = [];
  const ratios: number[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    const runOwn = () => runLoad(plan.pid, [task], plan.connections, { requests });
    const runFloor = () =>
      floor && runLoad(plan.pid, [floor], plan.connections, { requests: floorRequests ?? 1 });
    const isFloorFirst = round % 2 === 1;
    const before = isFloorFirst ? await runFloor() : undefined;
    const load = await runOwn();
    const base = before ?? (await runFloor());
    loads.push(load);
    if (!base) continue;
    floorCpu.push(base.cpuMs);
    ratios.push(load.cpuMs / base.cpuMs);
  }
  return {
    ...summarize(loads),
    ...(floor && { floor: { cpuMs: quartiles(floorCpu).median, ratio: quartiles(ratios) } }),
  };
}

/** The medians of CPU time and throughput, and the percentiles of all latencies. */
export function summarize(loads: readonly Load[]): Measurement {
  const latencies = loads.flatMap((load) => load.latencies).toSorted((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? Number.NaN;
  return {
    cpuMs: quartiles(loads.map(({ cpuMs }) => cpuMs)).median,
    perSecond: quartiles(loads.map(({ requests, seconds }) => requests / seconds)).median,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
  };
}

/** Warms a task up and returns the number of requests per slice. */
async function warmUp({ pid, connections }: Plan, task: Task): Promise<number> {
  let requests = FIRST_REQUESTS;
  let spent = 0;
  for (;;) {
    const { cpuMs, requests: sent } = await runLoad(pid, [task], connections, { requests });
    spent += cpuMs * sent;
    if (cpuMs > 0 && spent >= WARM_UP_CPU_MS) return Math.ceil(SLICE_CPU_MS / cpuMs);
    requests = Math.min(requests * 2, 2000);
  }
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
