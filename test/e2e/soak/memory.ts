import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { findChild } from "../../../bench/cpu.ts";

const QUARTERS = 4;
const SAMPLE_MS = 1000;
const ANSWER_MS = 10_000;
const SECOND = 1000;
const KIB = 1024;
const MIB = KIB * KIB;
/** Of the inspector's list: what runs the worker. The others are services of the simulation. */
const ISOLATE = /^core:user:isolate-/;

/** The memory in each quarter of a run, in MiB. */
export interface Memory {
  /** The least that the V8 heaps of the isolates had in use: what is left after garbage was collected. */
  live: number[];
  /** The most that the process had, with the simulated D1 and KV. It grows as long as V8 sees no need to collect. */
  resident: number[];
}

interface Target {
  id: string;
  webSocketDebuggerUrl: string;
}

/** Measures the memory of the isolates and of their process (Linux) while they work for a time. */
export async function watchMemory(inspectorPort: number, seconds: number): Promise<Memory> {
  const pid = findChild("workerd");
  const targets = (await (
    await fetch(`http://127.0.0.1:${inspectorPort}/json`)
  ).json()) as Target[];
  const sockets = await Promise.all(targets.filter(({ id }) => ISOLATE.test(id)).map(open));
  const memory: Memory = { live: [], resident: [] };
  try {
    for (let quarter = 0; quarter < QUARTERS; quarter += 1) {
      const heaps = sockets.map(() => Number.POSITIVE_INFINITY);
      let resident = 0;
      const end = Date.now() + (seconds / QUARTERS) * SECOND;
      while (Date.now() < end) {
        await setTimeout(SAMPLE_MS);
        const used = await Promise.all(sockets.map(readHeap));
        for (const [i, bytes] of used.entries()) heaps[i] = Math.min(heaps[i] ?? bytes, bytes);
        resident = Math.max(resident, readResident(pid));
      }
      memory.live.push(Math.round(heaps.reduce((sum, bytes) => sum + bytes, 0) / MIB));
      memory.resident.push(resident);
    }
  } finally {
    for (const socket of sockets) socket.close();
  }
  return memory;
}

function readResident(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kib) / KIB);
}

async function open({ webSocketDebuggerUrl }: Target): Promise<WebSocket> {
  const socket = new WebSocket(webSocketDebuggerUrl);
  await once(socket, "open");
  return socket;
}

async function readHeap(socket: WebSocket): Promise<number> {
  socket.send(JSON.stringify({ id: 1, method: "Runtime.getHeapUsage" }));
  const { data } = (await once(socket, "message")) as MessageEvent;
  return (JSON.parse(String(data)) as { result: { usedSize: number } }).result.usedSize;
}

function once(socket: WebSocket, type: "open" | "message"): Promise<Event> {
  const settled = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<Event>();
  const fail = () => reject(new Error("the inspector does not answer"));
  const { signal } = settled;
  socket.addEventListener(type, resolve, { signal });
  socket.addEventListener("error", fail, { signal });
  AbortSignal.timeout(ANSWER_MS).addEventListener("abort", fail, { signal });
  return promise.finally(() => settled.abort());
}
