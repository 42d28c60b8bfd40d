import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { findChild } from "../../../bench/cpu.ts";

const QUARTERS = 4;
const SECOND = 1000;
const KIB = 1024;
const MIB = KIB * KIB;
/** Of the inspector's list: what runs the worker. The others are services of the simulation. */
const ISOLATE = /^core:user:isolate-/;

/** The memory at the end of each quarter of a run, in MiB. */
export interface Memory {
  /** What the isolates hold: the V8 heap after a garbage collection. */
  live: number[];
  /** The resident memory of the process, which has the simulated D1 and KV and grows as long as V8 sees no need to collect. */
  resident: number[];
}

interface Target {
  id: string;
  webSocketDebuggerUrl: string;
}

/** Measures the memory of the isolates and of their process (Linux) while they work for a time. */
export async function watchMemory(inspectorPort: number, seconds: number): Promise<Memory> {
  const pid = findChild("workerd");
  const memory: Memory = { live: [], resident: [] };
  for (let quarter = 0; quarter < QUARTERS; quarter += 1) {
    await setTimeout((seconds / QUARTERS) * SECOND);
    memory.resident.push(readResident(pid));
    memory.live.push(await readLive(inspectorPort));
  }
  return memory;
}

function readResident(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kib) / KIB);
}

async function readLive(inspectorPort: number): Promise<number> {
  const targets = (await (
    await fetch(`http://127.0.0.1:${inspectorPort}/json`)
  ).json()) as Target[];
  const isolates = targets.filter(({ id }) => ISOLATE.test(id));
  const bytes = await Promise.all(isolates.map(collectGarbage));
  return Math.round((bytes.reduce((sum, size) => sum + size, 0) / MIB) * 10) / 10;
}

/** Collects the garbage of an isolate, and returns the bytes that are left. */
async function collectGarbage({ webSocketDebuggerUrl }: Target): Promise<number> {
  const socket = new WebSocket(webSocketDebuggerUrl);
  try {
    await once(socket, "open");
    await call(socket, 1, "HeapProfiler.collectGarbage");
    const { usedSize } = await call<{ usedSize: number }>(socket, 2, "Runtime.getHeapUsage");
    return usedSize;
  } finally {
    socket.close();
  }
}

async function call<T>(socket: WebSocket, id: number, method: string): Promise<T> {
  socket.send(JSON.stringify({ id, method }));
  for (;;) {
    const { data } = (await once(socket, "message")) as MessageEvent;
    const message = JSON.parse(String(data)) as { id?: number; result: T };
    if (message.id === id) return message.result;
  }
}

function once(socket: WebSocket, type: "open" | "message"): Promise<Event> {
  return new Promise((resolve, reject) => {
    socket.addEventListener(type, resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error("the inspector does not answer")), {
      once: true,
    });
  });
}
