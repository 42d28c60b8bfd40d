import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";

const PATIENCE_MS = 20_000;
const POLL_MS = 50;

interface Mail {
  to: string[];
  text: string;
}

export type Mailbox = Awaited<ReturnType<typeof openMailbox>>;

/**
 * Starts a mail provider that stores every mail, and returns the settings with which a worker uses it. `received` is called with
 * each mail.
 */
export async function openMailbox(received?: (mail: Mail) => void) {
  const mails: Mail[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const mail = JSON.parse(Buffer.concat(chunks).toString()) as Mail;
      mails.push(mail);
      received?.(mail);
      response.end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const waitFor = async (address: string, pattern: RegExp): Promise<string> => {
    const deadline = Date.now() + PATIENCE_MS;
    while (Date.now() < deadline) {
      const texts = mails.filter(({ to }) => to.includes(address)).map(({ text }) => text);
      const found = texts.map((text) => pattern.exec(text)?.[1]).find(Boolean);
      if (found) return found;
      await setTimeout(POLL_MS);
    }
    throw new Error(`no mail to ${address} with ${pattern}`);
  };
  const { port } = server.address() as AddressInfo;

  return {
    settings: {
      MAIL_TRANSPORT: "http",
      MAIL_API_URL: `http://127.0.0.1:${port}/`,
      MAIL_API_KEY: "none",
      MAIL_FROM: "roster@roster.test",
    },
    /** Waits for a mail to an address with a link to the page, and returns the link's token. */
    waitForToken: (address: string, page: string) =>
      waitFor(address, new RegExp(`/${page}#token=(\\S+)`)),
    /** Waits for a mail to an address that matches, and returns what the first group matches. */
    waitFor,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
