import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

/** Listens for notices of alerts. Answers 400 to those whose signature is wrong. */
export async function openWebhook() {
  const secret = `whsec_${btoa(String.fromCharCode(...randomBytes(32)))}`;
  const received: string[] = [];
  const receive = async (request: IncomingMessage) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const headers = request.headers as Record<string, string>;
    const { type, data } = new Webhook(secret).verify(body, headers) as {
      type: string;
      data: { alert: string };
    };
    received.push(`${data.alert} ${type}`);
  };
  const server = createServer((request, response) => {
    receive(request).then(
      () => response.writeHead(204).end(),
      () => response.writeHead(400).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    settings: {
      ALERT_WEBHOOK_URL: `http://127.0.0.1:${port}/alerts`,
      ALERT_WEBHOOK_SECRET: secret,
    },
    /** The alert and the type of each notice. */
    received: () => [...received],
    close: () => server.close(),
  };
}
