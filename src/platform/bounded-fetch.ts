import { SECOND } from "../lib/time.ts";

const TIMEOUT_MS = 5 * SECOND;
const MAX_BYTES = 256 * 1024;
/** Statuses whose responses have no body (Fetch Standard). */
const NULL_BODY_STATUSES: readonly number[] = [204, 205, 304];

/** Why a response could not be had: the service does not answer, or its answer is too long. */
export type FetchFailure = "unreachable" | "timeout" | "too_large";

/** A request to another service that got no usable response. */
export class FetchFailed extends Error {
  override readonly name = "FetchFailed";
  readonly reason: FetchFailure;

  constructor(reason: FetchFailure, cause?: unknown) {
    super(`no response: ${reason}`, { cause });
    this.reason = reason;
  }
}

/**
 * Sends a request to another service and reads the whole response, which may take five seconds and have 256 KiB. Redirects are not
 * followed: they are returned. Throws `FetchFailed`.
 */
export async function fetchBounded(url: string, init: RequestInit): Promise<Response> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(url, { ...init, redirect: "manual", signal });
    const { status, headers } = response;
    const bytes = await readBytes(response, signal);
    return new Response(NULL_BODY_STATUSES.includes(status) ? null : bytes, { status, headers });
  } catch (error) {
    if (error instanceof FetchFailed) throw error;
    throw new FetchFailed(signal.aborted ? "timeout" : "unreachable", error);
  }
}

async function readBytes({ body }: Response, signal: AbortSignal): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const sink = new WritableStream<Uint8Array<ArrayBuffer>>({
    write(chunk) {
      size += chunk.byteLength;
      if (size > MAX_BYTES) throw new FetchFailed("too_large");
      chunks.push(chunk);
    },
  });
  await body?.pipeTo(sink, { signal });
  return new Blob(chunks);
}
