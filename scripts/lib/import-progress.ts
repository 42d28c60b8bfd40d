const BAR_CHARACTERS = 30;
const LINE_INTERVAL_MS = 5000;

/** What is shown while a file is imported. */
export interface Progress {
  /** The share of the file that is done, from 0 to 1. */
  share: number;
  created: number;
  rejected: number;
}

/** Shows progress: a bar on a terminal, otherwise a line every five seconds. */
export function createProgress(out: NodeJS.WriteStream) {
  const begunAt = Date.now();
  let first: number | undefined;
  let shownAt = 0;
  const write = (text: string) => out.write(out.isTTY ? `\r\u001B[K${text}` : `${text}\n`);
  return {
    show({ share, created, rejected }: Progress, isLast = false): void {
      const done = created + rejected;
      first ??= done;
      if (!isLast && !out.isTTY && Date.now() < shownAt + LINE_INTERVAL_MS) return;
      shownAt = Date.now();
      const perSecond = Math.round((done - first) / Math.max((shownAt - begunAt) / 1000, 0.001));
      const counts = `${format(created)} created, ${format(rejected)} rejected, ${format(perSecond)}/s`;
      const percent = `${Math.floor(share * 100)} %`.padStart(5);
      write(out.isTTY ? `${toBar(share)} ${percent}  ${counts}` : `${percent.trim()}: ${counts}`);
      if (isLast && out.isTTY) out.write("\n");
    },
    pause(seconds: number): void {
      write(`The service asks to wait, or does not answer. Trying again in ${seconds} seconds.`);
    },
  };
}

function toBar(share: number): string {
  const full = Math.round(share * BAR_CHARACTERS);
  return `[${"#".repeat(full)}${"-".repeat(BAR_CHARACTERS - full)}]`;
}

function format(count: number): string {
  return count.toLocaleString("en");
}
