import { z } from "@hono/zod-openapi";
import { ERRORS, type ErrorCode, type Fault } from "../errors.ts";
import { FAULT_CODES, type FaultCode } from "../lib/fault-codes.ts";
import { listCommonHeaders, type ResponseHeader, toHeaders } from "./response-headers.ts";

export const PROBLEM_TYPE = "application/problem+json";

const CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

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

const EXAMPLE_FAULT: Fault = {
  path: "email",
  code: "invalid_format",
  message: "Must be an email address.",
};

interface Extension {
  shape: z.ZodRawShape;
  example: Readonly<Record<string, unknown>>;
}

/** By code: what its problem document contains in addition (RFC 9457 section 3.2). */
const EXTENSIONS: Partial<Record<ErrorCode, Extension>> = {
  validation_failed: {
    shape: {
      errors: z.array(FaultEntry).openapi({ description: "Every problem in the request." }),
    },
    example: { errors: [EXAMPLE_FAULT] },
  },
  idempotency_key_reused: {
    shape: { errors: z.array(FaultEntry).openapi({ description: "The invalid header." }) },
    example: {
      errors: [
        { path: "Idempotency-Key", code: "reused", message: "Was used for another request." },
      ],
    },
  },
  password_expired: {
    shape: {
      reset_token: z.string().openapi({
        description: "Sets the new password: `token` of POST /v1/auth/password/reset.",
      }),
      expires_in: z.int().openapi({ description: "Seconds until `reset_token` expires." }),
    },
    example: { reset_token: "rot_pSxk…", expires_in: 600 },
  },
};

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
  return {
    type: `${input.origin}/docs/errors#${input.code}`,
    title,
    status,
    detail: input.detail,
    code: input.code,
    request_id: input.requestId,
    ...(input.faults && { errors: [...input.faults] }),
  };
}

/** An example of the problem document for a code. */
export function toProblemExample(code: ErrorCode): Record<string, unknown> {
  const problem = toProblem({
    code,
    detail: ERRORS[code][2],
    requestId: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11",
    origin: "https://roster.example",
  });
  return { ...problem, ...EXTENSIONS[code]?.example };
}

/** The schema of each code's problem document. */
export const PROBLEM_SCHEMAS = Object.fromEntries(
  CODES.map((code) => [code, toProblemSchema(code)]),
) as Record<ErrorCode, z.ZodType>;

function toProblemSchema(code: ErrorCode): z.ZodType {
  const [status, , detail] = ERRORS[code];
  return Problem.extend({
    status: z.literal(status),
    code: z.literal(code),
    ...EXTENSIONS[code]?.shape,
  }).openapi(toSchemaName(code), { description: detail });
}

/** The headers that an error response has because of its status (RFC 9110 and RFC 6585). */
const HEADERS_OF_STATUS: Readonly<Record<number, readonly ResponseHeader[]>> = {
  401: ["WWW-Authenticate"],
  429: ["Retry-After"],
  503: ["Retry-After"],
};

interface ResponseOptions {
  /** True if the operation has a rate limit policy. */
  isLimited: boolean;
  /** True if the operation takes an `Idempotency-Key`. */
  isReplayable?: boolean;
}

/** The statuses of responses to a repeated request that may be those of the first one. */
const REPLAYED_STATUSES: readonly number[] = [404, 409, 412, 422];

/** The OpenAPI responses for a set of codes, one per status. */
export function toProblemResponses(codes: readonly ErrorCode[], options: ResponseOptions) {
  const responses: Record<number, ReturnType<typeof toProblemResponse>> = {};
  const byStatus = Map.groupBy(new Set(codes), (code) => ERRORS[code][0]);
  for (const [status, group] of byStatus) {
    responses[status] = toProblemResponse(status, group, options);
  }
  return responses;
}

/**
 * The OpenAPI response for codes that share a status. Responses for the same codes have the same name in `x-component`, so that
 * operations can share them (see operations/openapi.ts).
 */
function toProblemResponse(
  status: number,
  codes: readonly ErrorCode[],
  { isLimited, isReplayable = false }: ResponseOptions,
) {
  const sorted = codes.toSorted();
  const isReplayed = isReplayable && REPLAYED_STATUSES.includes(status);
  const kind = (isLimited ? "" : "Unlimited") + (isReplayed ? "Replayable" : "");
  const common = listCommonHeaders({ isLimited });
  if (isReplayed) common.push("Idempotency-Replayed");
  return {
    "x-component": kind + sorted.map(toPascalCase).join("Or"),
    description: sorted.map((code) => `\`${code}\`: ${ERRORS[code][2]}`).join("\n\n"),
    headers: toHeaders([...common, ...(HEADERS_OF_STATUS[status] ?? [])]),
    content: {
      [PROBLEM_TYPE]: {
        schema: toUnion(sorted),
        examples: Object.fromEntries(sorted.map((code) => [code, refer("examples", code)])),
      },
    },
  };
}

function toUnion(codes: readonly ErrorCode[]) {
  const references = codes.map((code) => [code, refer("schemas", toSchemaName(code))] as const);
  const [[, only] = [], ...others] = references;
  if (only && others.length === 0) return only;
  const mapping = Object.fromEntries(references.map(([code, { $ref }]) => [code, $ref]));
  return {
    oneOf: references.map(([, reference]) => reference),
    discriminator: { propertyName: "code", mapping },
  };
}

function refer(kind: "examples" | "schemas", name: string) {
  return { $ref: `#/components/${kind}/${name}` };
}

/** The name of a code's schema: `EmailTakenProblem` for `email_taken`. */
export function toSchemaName(code: ErrorCode): string {
  return `${toPascalCase(code)}Problem`;
}

function toPascalCase(code: ErrorCode): string {
  return code.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
