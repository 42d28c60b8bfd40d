import { z } from "@hono/zod-openapi";
import { ERRORS, type ErrorCode, type Fault, toPublicCode } from "../errors.ts";
import { FAULT_CODES, type FaultCode } from "../lib/fault-codes.ts";

export const PROBLEM_TYPE = "application/problem+json";

const ALL_CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];
const CODES = ALL_CODES.filter((code) => toPublicCode(code) === code) as typeof ALL_CODES;

const FAULT_CODE_NAMES = Object.keys(FAULT_CODES) as [FaultCode, ...FaultCode[]];

/** The code of an error. */
export const Code = z.enum(CODES).openapi("ErrorCode", {
  description: "The reason for an error. The meaning of a code never changes; codes may be added.",
});

const FaultCodeName = z.enum(FAULT_CODE_NAMES).openapi("FaultCode", {
  description:
    "What is wrong with a field. The meaning of a code never changes; codes may be added. /docs/errors explains each.",
});

/** An entry of `errors`. */
export const FaultEntry = z
  .object({
    path: z.string().openapi({
      description: "The field, as a path with dots, or the parameter. Empty for the whole body.",
    }),
    code: FaultCodeName,
    message: z.string().openapi({ description: "A human-readable explanation of what is wrong." }),
  })
  .openapi("Fault", { description: "One problem in a request." });

/** The members of every problem document (RFC 9457 section 3.1). */
export const Problem = z
  .object({
    type: z.string().openapi({
      format: "uri",
      description: "The page that explains the code.",
    }),
    title: z.string(),
    status: z.int(),
    detail: z
      .string()
      .openapi({ description: "A human-readable explanation of what the client can do." }),
    code: Code,
    request_id: z.string().openapi({
      description:
        "The same as `X-Request-Id`. With `Idempotency-Replayed`, that of the first request.",
    }),
  })
  .openapi("Problem", { description: "An error (RFC 9457)." });

export interface ProblemInput {
  code: ErrorCode;
  detail: string;
  faults?: readonly Fault[] | undefined;
  requestId: string;
  /** The origin of this service. Its page /docs/errors explains every code. */
  origin: string;
}

/** The problem document for a code (RFC 9457 section 3.1). */
export function toProblem(input: ProblemInput): z.infer<typeof Problem> & { errors?: Fault[] } {
  const [status, title] = ERRORS[input.code];
  const code = toPublicCode(input.code);
  return {
    type: `${input.origin}/docs/errors#${code}`,
    title,
    status,
    detail: input.detail,
    code,
    request_id: input.requestId,
    ...(input.faults && { errors: [...input.faults] }),
  };
}
