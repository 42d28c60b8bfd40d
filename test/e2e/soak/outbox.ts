import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";

const PATIENCE_MS = 20_000;
const POLL_MS = 50;
/** How often the provider refuses an email, so that it is sent again. */
const REFUSED_EVERY = 40;

interface Mail {
  key: string;
  to: string[];
  text: string;
  at: number;
}

export type Outbox = Awaited<ReturnType<typeof openOutbox>>;

/** Starts a mail provider that sometimes refuses an email, and stores all others with their keys. */
export async function openOutbox() {
  const mails: Mail[] = [];
  let calls = 0;
  let repeated = 0;
  const accept = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const mail = await readMail(request);
    calls += 1;
    if (calls % REFUSED_EVERY === 0) {
      response.statusCode = 503;
      response.end();
      return;
    }
    // As providers do: an email whose answer came too late is sent again with its key, and goes out once.
    if (mails.some(({ key }) => key === mail.key)) repeated += 1;
    else mails.push(mail);
    response.end("{}");
  };
  const server = createServer((request, response) => void accept(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    settings: {
      MAIL_TRANSPORT: "http",
      MAIL_API_URL: `http://127.0.0.1:${port}/`,
      MAIL_API_KEY: "none",
      MAIL_FROM: "roster@roster.test",
    },
    /** The emails that were accepted, oldest first. */
    mails,
    /** How many emails came again with the key of an earlier one. */
    repeated: () => repeated,
    /** The first group of the pattern in an email to an address that was accepted after a time; undefined if none comes. */
    async waitFor(address: string, pattern: RegExp, after: number): Promise<string | undefined> {
      const deadline = Date.now() + PATIENCE_MS;
      while (Date.now() < deadline) {
        const found = findText(mails, address, pattern, after);
        if (found) return found;
        await setTimeout(POLL_MS);
      }
      return undefined;
    },
    /** As `waitFor`, without waiting. */
    find: (address: string, pattern: RegExp) => findText(mails, address, pattern, 0),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function findText(mails: readonly Mail[], address: string, pattern: RegExp, after: number) {
  const own = mails.filter(({ to, at }) => at >= after && to.includes(address));
  return own.map(({ text }) => pattern.exec(text)?.[1]).findLast(Boolean);
}

async function readMail(request: IncomingMessage): Promise<Mail> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { to, text } = JSON.parse(Buffer.concat(chunks).toString());
  return { key: String(request.headers["idempotency-key"]), to, text, at: Date.now() };
}
