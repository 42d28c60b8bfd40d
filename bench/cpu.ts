import { readdirSync, readFileSync } from "node:fs";

/** /proc counts CPU time in units of 1/USER_HZ, which is 100 on Linux (proc_pid_stat(5)). */
const MS_PER_TICK = 10;

interface ProcessStat {
  command: string;
  parent: number;
  cpuMs: number;
}

/** The user and system CPU time of a process and all its threads, in milliseconds. */
export function readCpuMs(pid: number): number {
  return readStat(pid).cpuMs;
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
  const field = (number: number) => Number(fields[number - 3]);
  return {
    command: text.slice(text.indexOf("(") + 1, end),
    parent: field(4),
    cpuMs: (field(14) + field(15)) * MS_PER_TICK,
  };
}
