import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { equalBytes } from "../../src/lib/bytes.ts";
import { createArchive } from "../../src/platform/archive.ts";
import { at, faultyBindings } from "../support/faults.ts";

const MIB = 1024 * 1024;
const PART = 8 * MIB;

/** Bytes that tell where they are. */
const BYTES = new Uint8Array(3 * PART);
for (let at = 0; at < BYTES.length; at += 1) BYTES[at] = at % 251;

/** The first bytes, in chunks whose size does not divide that of a part. */
async function* chunksOf(size: number): AsyncGenerator<Uint8Array> {
  const chunk = 300_007;
  for (let from = 0; from < size; from += chunk) {
    yield BYTES.subarray(from, Math.min(from + chunk, size));
  }
}

const archive = createArchive(faultyBindings({}).ARCHIVE);

it.each([
  ["nothing", 0],
  ["a little", 10],
  ["exactly one part", PART],
  ["one part and a byte", PART + 1],
  ["exactly two parts", 2 * PART],
  ["several parts", 2 * PART + 3 * MIB],
])("an archive stores %s as it is", async (name, size) => {
  await archive.put(name, chunksOf(size));
  const bytes = new Uint8Array(await new Response(await archive.get(name)).arrayBuffer());
  expect(equalBytes(bytes, BYTES.subarray(0, size))).toBe(true);
});

it("an archive has no object if a part is not stored or the content fails", async () => {
  const failing = createArchive(faultyBindings({ archivePut: at(/part 2$/) }).ARCHIVE);
  await expect(failing.put("lost", chunksOf(2 * PART))).rejects.toThrow("internal error");
  async function* breakingOff() {
    yield* chunksOf(3 * PART);
    throw new Error("the source fails");
  }
  await expect(archive.put("lost", breakingOff())).rejects.toThrow("the source fails");
  expect(await env.ARCHIVE.get("lost")).toBeNull();
});
