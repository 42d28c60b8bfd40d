import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cost, costOf } from "./cost.ts";
import { findFreePort } from "./server.ts";

const SCRAPE_INTERVAL = "5s";
const START_TIMEOUT_MS = 20_000;
const POLL_MS = 200;

/** A sample of a query's result. */
export interface Sample {
  labels: Record<string, string>;
  value: number;
}

export interface Scraper {
  /** Where Prometheus scrapes: a proxy that adds the API key, as versions before 2.55 need it. */
  target: string;
  /** The result of a query at a time in seconds. */
  query(expression: string, time: number): Promise<Sample[]>;
  /** What each scrape has cost so far, in order. */
  costs: readonly Cost[];
}

/** Runs `work` while Prometheus scrapes /metrics of the worker at `url` with an API key. */
export async function withPrometheus(
  { url, apiKey }: { url: URL; apiKey: string },
  work: (scraper: Scraper) => Promise<void>,
): Promise<void> {
  const costs: Cost[] = [];
  const forward = async (response: ServerResponse) => {
    const answer = await fetch(new URL("/metrics", url), { headers: { "X-API-Key": apiKey } });
    costs.push(costOf(answer.headers.get("Server-Timing")));
    const type = answer.headers.get("Content-Type") ?? "";
    response.writeHead(answer.status, { "Content-Type": type }).end(await answer.text());
  };
  const proxy = createServer((_, response) => {
    forward(response).catch(() => response.writeHead(502).end());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const target = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const folder = await mkdtemp(join(tmpdir(), "roster-prometheus-"));
  const address = `127.0.0.1:${await findFreePort()}`;
  const config = join(folder, "prometheus.yml");
  await writeFile(
    config,
    `global: { scrape_interval: ${SCRAPE_INTERVAL} }
scrape_configs: [{ job_name: roster, static_configs: [{ targets: ["${target}"] }] }]
`,
  );
  const child = spawn(
    "prometheus",
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=${address}`,
    ],
    { stdio: "ignore" },
  );
  const ended = new Promise<void>((resolve) => {
    child.on("close", () => resolve());
    child.on("error", () => resolve());
  });
  try {
    await waitUntilReady(address);
    await work({
      target,
      query: (expression, time) => query(address, expression, time),
      costs,
    });
  } finally {
    child.kill("SIGTERM");
    await ended;
    proxy.close();
    proxy.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  }
}

async function waitUntilReady(address: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const answer = await fetch(`http://${address}/-/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error("Prometheus did not start. Install it: apt-get install prometheus.");
}

interface QueryAnswer {
  data: { result: { metric: Record<string, string>; value: [number, string] }[] };
}

async function query(address: string, expression: string, time: number): Promise<Sample[]> {
  const params = new URLSearchParams({ query: expression, time: String(time) });
  const answer = await fetch(`http://${address}/api/v1/query?${params}`);
  if (!answer.ok) throw new Error(`${expression}: ${await answer.text()}`);
  const { data } = (await answer.json()) as QueryAnswer;
  return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
}
