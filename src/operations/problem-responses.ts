import { z } from "@hono/zod-openapi";
import { ERRORS, type ErrorCode, type Fault, toPublicCode } from "../errors.ts";
import { FaultEntry, PROBLEM_TYPE, Problem, toProblem } from "../http/problem.ts";
import {
  listCommonHeaders,
  type ResponseHeader,
  type ResponseRules,
  toHeaders,
} from "../http/response-headers.ts";

const EXAMPLE_FAULT: Fault = {
  path: "email",
  code: "invalid_format",
  message: "Must be an email address.",
};

interface Extension {
  shape: z.ZodRawShape;
  example: Readonly<Record<string, unknown>>;
}

const MFA_SHAPE = {
  mfa_token: z.string().openapi({ description: "Identifies this login in the next step." }),
  expires_in: z.int().openapi({ description: "Seconds until `mfa_token` expires." }),
  methods: z
    .array(z.enum(["totp", "passkey", "recovery_code"]))
    .openapi({ description: "The second factors to choose from." }),
};

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
  mfa_required: {
    shape: MFA_SHAPE,
    example: { mfa_token: "rmf_k3Zt…", expires_in: 600, methods: ["totp", "recovery_code"] },
  },
  mfa_enrollment_required: {
    shape: MFA_SHAPE,
    example: { mfa_token: "rmf_k3Zt…", expires_in: 600, methods: ["totp", "passkey"] },
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

/** The schema of a code's problem document. */
export function toProblemSchema(code: ErrorCode): z.ZodType {
  const [status, , detail] = ERRORS[code];
  return Problem.extend({
    status: z.literal(status),
    code: z.literal(toPublicCode(code)),
    ...EXTENSIONS[code]?.shape,
  }).openapi(toSchemaName(code), { description: detail });
}

/** The headers that an error response has because of its status (RFC 9110 and RFC 6585). */
const HEADERS_OF_STATUS: Readonly<Record<number, readonly ResponseHeader[]>> = {
  401: ["WWW-Authenticate"],
  429: ["Retry-After"],
  503: ["Retry-After"],
};

/** The headers that an error response has because of its code. */
const HEADERS_OF_CODE: Partial<Record<ErrorCode, readonly ResponseHeader[]>> = {
  invalid_refresh_token: ["Set-Cookie"],
  unsupported_media_type: ["Accept-Patch"],
};

/** The statuses of responses to a repeated request that may be those of the first one. */
const REPLAYED_STATUSES: readonly number[] = [400, 404, 409, 412, 422];

/** The error responses of an operation, one per status. Responses with the same name are the same. */
export function listProblemResponses({ errors, ...rules }: ResponseRules) {
  const byStatus = Map.groupBy(new Set(errors), (code) => ERRORS[code][0]);
  return [...byStatus].map(([status, codes]) => toProblemResponse(status, codes.toSorted(), rules));
}

function toProblemResponse(
  status: number,
  codes: readonly ErrorCode[],
  { isLimited, isReplayable }: Omit<ResponseRules, "errors">,
) {
  const isReplayed = isReplayable && REPLAYED_STATUSES.includes(status);
  const kind = (isLimited ? "" : "Unlimited") + (isReplayed ? "Replayable" : "");
  const common = listCommonHeaders({ isLimited });
  if (isReplayed) common.push("Idempotency-Replayed");
  const response = {
    description: codes.map((code) => `\`${toPublicCode(code)}\`: ${ERRORS[code][2]}`).join("\n\n"),
    headers: toHeaders([
      ...common,
      ...(HEADERS_OF_STATUS[status] ?? []),
      ...codes.flatMap((code) => HEADERS_OF_CODE[code] ?? []),
    ]),
    content: {
      [PROBLEM_TYPE]: {
        schema: toUnion(codes),
        examples: Object.fromEntries(
          codes.map((code) => [toPublicCode(code), refer("examples", code)]),
        ),
      },
    },
  };
  return { status, name: kind + codes.map(toPascalCase).join("Or"), response };
}

function toUnion(codes: readonly ErrorCode[]) {
  const references = codes.map((code) => [code, refer("schemas", toSchemaName(code))] as const);
  const [[, only] = [], ...others] = references;
  if (only && others.length === 0) return only;
  const mapping = Object.fromEntries(
    references.map(([code, { $ref }]) => [toPublicCode(code), $ref]),
  );
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
