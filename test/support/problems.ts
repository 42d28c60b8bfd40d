import { expect } from "vitest";
import type { Answer } from "./api.ts";

interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  errors?: { path: string; code: string; message: string }[];
}

/** Expects a complete problem document with this code that is consistent with its response. */
export function expectProblem(answer: Answer<unknown>, status: number, code: string): void {
  const body = answer.body as ProblemBody | undefined;
  expect({ status: answer.status, code: body?.code }).toEqual({ status, code });
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
  expect(body).toMatchObject({
    type: `https://roster.test/docs/errors#${code}`,
    title: expect.any(String),
    detail: expect.any(String),
    status,
    request_id: answer.headers.get("X-Request-Id"),
  });
  expect("errors" in (body ?? {})).toBe(status === 422);
}

/** The faults of a 422 as `path code`, sorted. */
export function faultsOf(answer: Answer<unknown>): string[] {
  const { errors = [] } = answer.body as ProblemBody;
  return errors.map(({ path, code }) => `${path} ${code}`).sort();
}
