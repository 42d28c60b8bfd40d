import { ACCOUNT_ERRORS } from "./error-codes/accounts.ts";
import { AUTHENTICATION_ERRORS } from "./error-codes/authentication.ts";
import { REQUEST_ERRORS } from "./error-codes/requests.ts";
import type { FaultCode } from "./lib/fault-codes.ts";

/** Every error code, with its HTTP status, its title and a detail that says what the client can do. */
export const ERRORS = { ...REQUEST_ERRORS, ...AUTHENTICATION_ERRORS, ...ACCOUNT_ERRORS } as const;

export type ErrorCode = keyof typeof ERRORS;

/** The `code` of an error that clients see, if it is that of another error, which has another status. */
const SHARED_CODES: Partial<Record<ErrorCode, ErrorCode>> = {
  invalid_exchange_code: "invalid_code",
};

/** The `code` of an error as clients see it. */
export function toPublicCode(code: ErrorCode): ErrorCode {
  return SHARED_CODES[code] ?? code;
}

/** One problem in a request: the path of the field, a stable code, and a message for people. */
export interface Fault {
  path: string;
  code: FaultCode;
  message: string;
}

interface AppErrorOptions {
  detail?: string;
  faults?: readonly Fault[];
  headers?: Readonly<Record<string, string>>;
  /** Further members of the problem document (RFC 9457 section 3.2). */
  extensions?: Readonly<Record<string, unknown>>;
  cause?: unknown;
}

/** The only way to refuse a request. The client gets the problem document of its code. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly detail: string;
  readonly faults: readonly Fault[] | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(code, { cause: options.cause });
    this.code = code;
    this.detail = options.detail ?? ERRORS[code][2];
    this.faults = options.faults;
    this.headers = options.headers ?? {};
    this.extensions = options.extensions ?? {};
  }

  get status(): (typeof ERRORS)[ErrorCode][0] {
    return ERRORS[this.code][0];
  }
}

/** A `validation_failed` error for one field, for rules that a schema cannot check. */
export function invalidField(path: string, code: FaultCode, message: string): AppError {
  return new AppError("validation_failed", { faults: [{ path, code, message }] });
}

/** Throws `validation_failed` if there are faults. */
export function requireNoFaults(faults: readonly Fault[]): void {
  if (faults.length > 0) throw new AppError("validation_failed", { faults });
}
