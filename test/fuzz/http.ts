import { Agent, type IncomingMessage, request } from "node:http";

/** A request as it is sent. */
export interface Outgoing {
  method: string;
  /** With the query, as it stands in the request line. */
  path: string;
  headers: Record<string, string>;
  body: string | Buffer | undefined;
}

/** The response to a request. */
export interface Incoming {
  status: number;
  headers: Headers;
  text: string;
}

/** Sends requests without normalizing them. */
export type Send = (outgoing: Outgoing) => Promise<Incoming>;

const TIMEOUT_MS = 30_000;
/** What a connection reports that the server has closed while it was idle, or after a refusal of a body. */
const CLOSED = new Set(["ECONNRESET", "EPIPE"]);

/** Creates a client of a service, with kept-alive connections. */
export function createSender(origin: URL, connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const once = (outgoing: Outgoing, isFresh: boolean) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const { hostname, port } = origin;
      const { method, path, headers, body } = outgoing;
      const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
      request({
        hostname,
        port,
        method,
        path,
        agent: isFresh ? false : agent,
        headers: { ...length, ...headers },
        timeout: TIMEOUT_MS,
      })
        .on("response", resolve)
        .on("error", reject)
        .on("timeout", () => reject(new Error(`no response within ${TIMEOUT_MS} ms`)))
        .end(body);
    });
  const send: Send = async (outgoing) => {
    const response = await once(outgoing, false).catch((error: NodeJS.ErrnoException) => {
      if (CLOSED.has(error.code ?? "")) return once(outgoing, true);
      throw error;
    });
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const headers = new Headers();
    for (let i = 0; i < response.rawHeaders.length; i += 2) {
      headers.append(response.rawHeaders[i] ?? "", response.rawHeaders[i + 1] ?? "");
    }
    return { status: response.statusCode ?? 0, headers, text: Buffer.concat(chunks).toString() };
  };
  return { send, close: () => agent.destroy() };
}

/** The address that a path means at an origin. Several slashes at its beginning would name another host. */
export function toUrl(origin: URL, path: string): URL {
  return new URL(origin.origin + path.replace(/^[/\\]{2,}/, "/"));
}

/** The request as a command that repeats it. */
export function toCurl(origin: URL, { method, path, headers, body }: Outgoing): string {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const parts = ["curl", "-si", "--path-as-is", "-X", method, quote(origin.origin + path)];
  for (const [name, value] of Object.entries(headers)) parts.push("-H", quote(`${name}: ${value}`));
  if (body !== undefined) parts.push("--data-binary", quote(abbreviate(body.toString())));
  return parts.join(" ");
}

const SHOWN = 2000;

/** The beginning of a long text. */
export function abbreviate(text: string): string {
  if (text.length <= SHOWN) return text;
  return `${text.slice(0, SHOWN)}… (${text.length} characters)`;
}
