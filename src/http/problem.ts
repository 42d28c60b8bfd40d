import { z } from "@hono/zod-openapi";
import { ERRORS, type ErrorCode, type Fault } from "../errors.ts";

export const PROBLEM_TYPE = "application/problem+json";

export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    request_id: z.string(),
    errors: z
      .array(z.object({ path: z.string(), code: z.string(), message: z.string() }))
      .optional(),
  })
  .openapi("Problem", { description: "An error (RFC 9457). `code` is stable." });

export interface ProblemInput {
  code: ErrorCode;
  detail: string;
  faults?: readonly Fault[] | undefined;
  requestId: string;
  /** The origin of this service. Its page /docs/errors explains every code. */
  origin: string;
}

/** The problem document for a code (RFC 9457 section 3.1). */
export function toProblem(input: ProblemInput): z.infer<typeof Problem> {
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

const EXAMPLE_FAULT: Fault = {
  path: "email",
  code: "invalid_format",
  message: "Must be an email address.",
};

/** The OpenAPI responses for a set of codes: one per status, with an example of each code. */
export function toProblemResponses(codes: readonly ErrorCode[]) {
  const responses: Record<number, ReturnType<typeof toProblemResponse>> = {};
  const byStatus = Map.groupBy(new Set(codes), (code) => ERRORS[code][0]);
  for (const [status, group] of byStatus) responses[status] = toProblemResponse(group);
  return responses;
}

function toProblemResponse(codes: readonly ErrorCode[]) {
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code][2]}`).join("\n\n"),
    content: {
      [PROBLEM_TYPE]: {
        schema: Problem,
        examples: Object.fromEntries(codes.map((code) => [code, { value: toExample(code) }])),
      },
    },
  };
}

function toExample(code: ErrorCode) {
  return toProblem({
    code,
    detail: ERRORS[code][2],
    faults: code === "validation_failed" ? [EXAMPLE_FAULT] : undefined,
    requestId: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11",
    origin: "https://roster.example",
  });
}
