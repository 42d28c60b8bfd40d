import { readFileSync } from "node:fs";
import { findChild } from "../../../bench/cpu.ts";

const SAMPLE_MS = 1000;
const KIB_PER_MIB = 1024;

/** Reads the resident memory of workerd once per second (Linux). */
export function watchMemory() {
  const pid = findChild("workerd");
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(readResident(pid)), SAMPLE_MS);
  return {
    /** The median of each quarter, in MiB. */
    stop(): number[] {
      clearInterval(timer);
      const size = Math.max(1, Math.floor(samples.length / 4));
      return [0, 1, 2, 3].map((quarter) =>
        median(samples.slice(quarter * size, (quarter + 1) * size)),
      );
    },
  };
}

function readResident(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kib) / KIB_PER_MIB);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
