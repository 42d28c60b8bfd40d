import { Agent, type IncomingMessage, request } from "node:http";

export interface Answer {
  text: string;
  /** The `Server-Timing` header, with the cost of the request. */
  timing: string;
}

interface Options {
  headers?: Record<string, string>;
  body?: unknown;
}

/** Sends a request over a kept-alive connection. Throws for a status of 400 or above. */
export type Send = (method: string, path: string, options?: Options) => Promise<Answer>;

const agent = new Agent({ keepAlive: true });

/** Creates a client of one of the server's workers. */
export function createClient(url: URL): Send {
  return async function send(method, path, { headers = {}, body } = {}) {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const type = content === undefined ? {} : { "Content-Type": "application/json" };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(new URL(path, url), {
        method,
        agent,
        headers: { ...type, ...headers },
      })
        .on("response", resolve)
        .on("error", reject)
        .end(content);
    });
    response.setEncoding("utf8");
    let text = "";
    for await (const chunk of response) text += chunk;
    const { statusCode = 0 } = response;
    if (statusCode >= 400) throw new Error(`${method} ${path} returned ${statusCode}: ${text}`);
    return { text, timing: String(response.headers["server-timing"] ?? "") };
  };
}

/** Closes the kept-alive connections. */
export function closeConnections(): void {
  agent.destroy();
}
