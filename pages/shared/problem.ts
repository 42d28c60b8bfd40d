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
  errors?: Fault[];
  mfa_token?: string;
  methods?: string[];
  reset_token?: string;
}

/** An operation failed: the service refused it, or could not be reached (`network_error`, status 0). */
export class Problem extends Error {
  override name = "Problem";
  readonly body: ProblemBody;
  /** The seconds of `Retry-After`, if the response has it. */
  readonly retryAfter: number | undefined;

  constructor(body: ProblemBody, retryAfter?: number) {
    super(body.detail);
    this.body = body;
    this.retryAfter = retryAfter;
  }

  get code(): string {
    return this.body.code;
  }

  get faults(): readonly Fault[] {
    return this.body.errors ?? [];
  }
}

/** True if the error is a problem with this code. */
export function isProblem(error: unknown, code: string): error is Problem {
  return error instanceof Problem && error.code === code;
}

/** Any thrown value as a problem. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const code = error instanceof TypeError ? "network_error" : "unexpected_error";
  return localProblem(code);
}

/** A problem that arises in the page itself. Its code has a text in texts/…/problems.ts. */
export function localProblem(code: string): Problem {
  return new Problem({ code, title: code, detail: "", status: 0 });
}

/** A fault of one field, found in the page itself. */
export function faultOf(path: string, message: string): Problem {
  const errors = [{ path, code: "invalid_value", message }];
  const code = "validation_failed";
  return new Problem({ code, title: code, detail: "", status: 422, errors });
}
