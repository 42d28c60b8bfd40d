import { readdirSync, readFileSync } from "node:fs";

const NS_PER_MS = 1_000_000;

interface ProcessStat {
  command: string;
  parent: number;
}

/**
 * The user and system CPU time of the threads of a process, in milliseconds. The first field of `schedstat` is in nanoseconds
 * (Linux, Documentation/scheduler/sched-stats); `stat` counts ticks of 10 ms.
 */
export function readCpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.map((thread) => readThreadMs(pid, thread)).reduce((sum, ms) => sum + ms, 0);
}

function readThreadMs(pid: number, thread: string): number {
  try {
    const [ns] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
    return Number(ns) / NS_PER_MS;
  } catch {
    // The thread has ended since it was listed.
    return 0;
  }
}

/** The pid of the only child process that runs `command`. */
export function findChild(command: string): number {
  const found = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isChild(pid, command));
  const [pid] = found;
  if (pid === undefined || found.length > 1) {
    throw new Error(`expected 1 child process ${command}, found ${found.length}`);
  }
  return pid;
}

function isChild(pid: number, command: string): boolean {
  try {
    const stat = readStat(pid);
    return stat.parent === process.pid && stat.command === command;
  } catch {
    // The process has ended since it was listed.
    return false;
  }
}

function readStat(pid: number): ProcessStat {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The command is in parentheses and can itself contain spaces and parentheses.
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  // The fourth field (proc_pid_stat(5)).
  const parent = Number(fields[1]);
  return { command: text.slice(text.indexOf("(") + 1, end), parent };
}
