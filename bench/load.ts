import autocannon from "autocannon";
import { readCpuMs } from "./cpu.ts";

/** One request. `body` is sent as JSON. */
export interface LoadRequest {
  method: "GET" | "POST" | "PATCH";
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/** What to send. `next` may be called more often than requests are sent. `received` gets the text of each response. */
export interface Task {
  url: URL;
  status: number;
  next(): LoadRequest;
  /** Called before requests are sent. */
  begin?(): void;
  received?(text: string): void;
}

/** The CPU time of the worker process per request, and how long the responses took. Times are in milliseconds. */
export interface Load {
  requests: number;
  cpuMs: number;
  seconds: number;
  latencies: number[];
}

/** How much to send: a number of requests, or a rate per second for a number of seconds. */
export type Amount = { requests: number } | { perSecond: number; seconds: number };

/** Sends requests over `connections` connections, each of which waits for its response. Throws if a response has another status. */
export async function runLoad(
  pid: number,
  tasks: readonly Task[],
  connections: number,
  amount: Amount,
): Promise<Load> {
  const [first] = tasks;
  if (!first) throw new Error("nothing to send");
  for (const { begin } of tasks) begin?.();
  const latencies: number[] = [];
  const wrong = new Map<string, number>();
  const cpuBefore = readCpuMs(pid);
  const start = performance.now();
  await new Promise<void>((resolve, reject) => {
    const run = autocannon(
      {
        url: first.url.origin,
        connections,
        timeout: 60,
        ...("requests" in amount
          ? { amount: Math.max(amount.requests, connections) }
          : { overallRate: amount.perSecond, duration: amount.seconds }),
        requests: tasks.map((task) => toRequest(task, wrong)),
      },
      (error) => (error ? reject(error) : resolve()),
    );
    run.on("response", (_client, _status, _bytes, ms) => latencies.push(ms));
  });
  const seconds = (performance.now() - start) / 1000;
  const cpuMs = (readCpuMs(pid) - cpuBefore) / latencies.length;
  if (wrong.size > 0) throw new Error(`unexpected responses: ${JSON.stringify([...wrong])}`);
  return { requests: latencies.length, cpuMs, seconds, latencies };
}

function toRequest(task: Task, wrong: Map<string, number>): autocannon.Request {
  return {
    setupRequest(request) {
      const { method, path, headers, body } = task.next();
      const isJson = body !== undefined;
      return {
        ...request,
        method,
        path,
        headers: { ...headers, ...(isJson && { "Content-Type": "application/json" }) },
        ...(isJson && { body: JSON.stringify(body) }),
      };
    },
    onResponse(status, body) {
      if (status === task.status) {
        task.received?.(body);
        return;
      }
      const name = `${status} instead of ${task.status}: ${body.slice(0, 200)}`;
      wrong.set(name, (wrong.get(name) ?? 0) + 1);
    },
  };
}
