import { expect } from "vitest";
import { send } from "./api.ts";
import { createTestUser, type TestUser } from "./fixtures.ts";
import { createIsolate } from "./isolates.ts";

/**
 * The samples of /metrics by series, as an isolate sees them that has counted nothing itself. The reader is a new administrator, whose
 * login is counted, or one who has logged in before.
 */
export async function readMetrics(reader?: TestUser): Promise<Map<string, number>> {
  const { token } = reader ?? (await createTestUser("admin"));
  const answer = await send("/metrics", { token, bindings: createIsolate() });
  expect(answer.status, answer.text).toBe(200);
  return parseMetrics(answer.text);
}

export function parseMetrics(text: string): Map<string, number> {
  const samples = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return new Map(
    samples.map((line): [string, number] => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** What the samples have grown by while the work ran: those that are not 0. */
export async function growthDuring(
  work: () => Promise<unknown>,
  reader?: TestUser,
): Promise<Map<string, number>> {
  const before = await readMetrics(reader);
  await work();
  const after = await readMetrics(reader);
  const growth = [...after].map(([series, value]): [string, number] => [
    series,
    value - (before.get(series) ?? 0),
  ]);
  return new Map(growth.filter(([, by]) => by !== 0));
}
