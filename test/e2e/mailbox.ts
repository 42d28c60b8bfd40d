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

/** Starts a mail provider that stores every mail, and returns the settings with which a worker uses it. */
export async function openMailbox() {
  const mails: Mail[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      mails.push(JSON.parse(Buffer.concat(chunks).toString()) as Mail);
      response.end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  return {
    settings: {
      APP_URL: "https://roster.test",
      MAIL_TRANSPORT: "http",
      MAIL_API_URL: `http://127.0.0.1:${port}/`,
      MAIL_API_KEY: "none",
      MAIL_FROM: "roster@roster.test",
    },
    /** Waits for a mail to an address with a link to the page, and returns the link's token. */
    waitForToken: async (address: string, page: string): Promise<string> => {
      const link = new RegExp(`/${page}#token=(\\S+)`);
      const deadline = Date.now() + PATIENCE_MS;
      while (Date.now() < deadline) {
        const texts = mails.filter(({ to }) => to.includes(address)).map(({ text }) => text);
        const token = texts.map((text) => link.exec(text)?.[1]).find(Boolean);
        if (token) return token;
        await setTimeout(POLL_MS);
      }
      throw new Error(`no mail with a link to ${page}`);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
