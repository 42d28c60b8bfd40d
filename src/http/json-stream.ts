import type { Context as HonoContext, TypedResponse } from "hono";
import type { JSONParsed } from "hono/utils/types";
import { AppError } from "../errors.ts";
import { utf8 } from "../lib/bytes.ts";
import { type Paged, type PagedDocument, writeJson, writeLines } from "../lib/json-stream.ts";
import { describeError } from "../platform/logger.ts";
import type { AppEnv } from "./app-env.ts";
import { NDJSON_TYPE } from "./body.ts";
import { isSampled } from "./request-log.ts";

/**
 * A 200 response with a JSON document that is written while it is read: the next page of a list is fetched only when the client
 * has taken the one before. If a page fails, the body is aborted, and the document ends before its closing brace: what is
 * incomplete is never valid JSON. (workerd ends an aborted chunked transfer as if it were complete, and so does Hono's
 * `stream`.) Afterwards it logs how the transfer ended and what the request cost in all; the request's own log line and
 * `Server-Timing` show only the cost until the first byte.
 */
export function streamJson<T extends object>(
  c: HonoContext<AppEnv>,
  document: PagedDocument<T>,
): TypedResponse<JSONParsed<T>, 200, "json"> {
  const response = streamPieces(c, writeJson(document), "application/json");
  return response as unknown as TypedResponse<JSONParsed<T>, 200, "json">;
}

/**
 * A 200 response of newline-delimited JSON, one line per item, with pages and failures as in `streamJson`. A failure ends the body
 * within a line, without its line feed, so that what is incomplete does not parse.
 */
export function streamLines(c: HonoContext<AppEnv>, pages: Paged<object>): Response {
  return streamPieces(c, writeLines(pages), NDJSON_TYPE);
}

function streamPieces(c: HonoContext<AppEnv>, written: AsyncIterable<string>, type: string) {
  const pieces = logOutcome(c, written);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(utf8(value));
      },
      async cancel() {
        await pieces.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  const response: Response = c.body(body, 200, { "Content-Type": type });
  return response;
}

type Outcome = "complete" | "aborted" | "cancelled";

async function* logOutcome(c: HonoContext<AppEnv>, pieces: AsyncIterable<string>) {
  const { log } = c.get("ctx");
  let outcome: Outcome = "cancelled";
  try {
    yield* pieces;
    outcome = "complete";
  } catch (error) {
    outcome = "aborted";
    if (error instanceof AppError) log("warn", "stream.refused", { code: error.code });
    else log("error", "stream.failed", describeError(error));
    throw error;
  } finally {
    const { queries, rowsRead, rowsWritten } = c.get("meter").d1;
    if (outcome !== "complete" || isSampled(c)) {
      const d1 = { queries, rows_read: rowsRead, rows_written: rowsWritten };
      log("info", "stream.ended", { outcome, d1 });
    }
  }
}
