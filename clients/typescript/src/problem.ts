import type { ErrorCode, Result, Schemas } from "./api-types.ts";

/** A fault of a 422 response. */
export interface Fault {
  path: string;
  code: string;
  message: string;
}

/** The body of an error response (RFC 9457), with the members that some codes add. */
export interface ProblemBody {
  code: string;
  title: string;
  detail: string;
  status: number;
  request_id?: string;
  errors?: readonly Fault[];
}

type Bodies = {
  [Name in keyof Schemas as Name extends "Problem"
    ? never
    : Schemas[Name] extends { status: number; code: infer Code extends string }
      ? Code
      : never]: Schemas[Name];
};

/** The body of the problem with this code. */
export type BodyOf<Code extends string> = Code extends keyof Bodies ? Bodies[Code] : ProblemBody;

/**
 * An operation was refused or has failed. `code` is stable; `detail`, which is also the message, says what to do. A response that is
 * not from the service, for example from a proxy, has the code `unexpected_error`.
 */
export class RosterProblem<Code extends string = string> extends Error {
  override name = "RosterProblem";
  readonly status: number;
  readonly code: Code;
  /** What is wrong with the fields of the request. Empty unless the status is 422. */
  readonly errors: readonly Fault[];
  /** Identifies the request in the logs of the service. */
  readonly requestId: string | undefined;
  /** After how many seconds to try again, if the response says so. */
  readonly retryAfter: number | undefined;
  /** The whole body, with the members that only some codes have. */
  readonly body: BodyOf<Code>;

  constructor(body: ProblemBody & { code: Code }, retryAfter?: number) {
    super(body.detail || body.title);
    this.status = body.status;
    this.code = body.code;
    this.errors = body.errors ?? [];
    this.requestId = body.request_id;
    this.retryAfter = retryAfter;
    this.body = body as unknown as BodyOf<Code>;
  }
}

/** True if the error is a problem, with one of the codes if any are given. Then its `body` has the members of these codes. */
export function isProblem<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is RosterProblem<Code> {
  if (!(error instanceof RosterProblem)) return false;
  return codes.length === 0 || (codes as readonly string[]).includes(error.code);
}

/** The body of a success: `ok(roster.GET("/v1/users/me"))`. Throws a `RosterProblem`. */
export async function ok<T>(call: Promise<Result<T>>): Promise<T> {
  return (await okWithTag(call)).data;
}

/** The body of a success and its ETag, for `ifMatch`. Throws a `RosterProblem`. */
export async function okWithTag<T>(call: Promise<Result<T>>): Promise<{ data: T; etag: string }> {
  const { data, error, response } = await call;
  if (!response.ok) throw toProblem(response, error);
  return { data: data as T, etag: response.headers.get("ETag") ?? "" };
}

/** The problem of a response that is not a success, and its parsed body. */
function toProblem(response: Response, error: unknown): RosterProblem {
  const { status, headers } = response;
  const isBody = error !== null && typeof error === "object" && "code" in error;
  const request_id = headers.get("X-Request-Id") ?? undefined;
  const body = isBody
    ? (error as ProblemBody)
    : {
        code: "unexpected_error",
        title: `Unexpected response with status ${status}`,
        detail: "",
        status,
        ...(request_id && { request_id }),
      };
  return new RosterProblem(body, readRetryAfter(response));
}

/** The seconds of `Retry-After`, if the response has it. */
export function readRetryAfter({ headers }: Response): number | undefined {
  const seconds = Number(headers.get("Retry-After"));
  return seconds > 0 ? seconds : undefined;
}

/** The code of an error response; undefined if it is no problem document. Leaves the body unread. */
export async function readCode(response: Response): Promise<string | undefined> {
  if (!response.headers.get("Content-Type")?.startsWith("application/problem+json")) return;
  const body = (await response.clone().json()) as Partial<ProblemBody>;
  return body.code;
}
