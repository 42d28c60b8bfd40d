import { describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { expectWithin, withProductionLimits } from "../support/budgets.ts";
import { createTestUser } from "../support/fixtures.ts";
import {
  CREATION_NAMES,
  isReplayed,
  keyed,
  newCreation,
  sendKeyed,
} from "../support/idempotency.ts";

const bindings = withProductionLimits();

describe.each(CREATION_NAMES)("%s", (name) => {
  const isRegistration = name.includes("register");

  it("with a key costs at most 3 rows read and 3 written more, and no round trip, but one more to register", async () => {
    const admin = await createTestUser("admin");
    const plain = await newCreation(name, admin);
    const once = await newCreation(name, admin);
    const answer = await sendKeyed(crypto.randomUUID(), once, { bindings });
    const without = costOf(await send(plain.path, { ...plain.options, bindings }));
    expectWithin(answer, {
      trips: without.queries + (isRegistration ? 1 : 0),
      rowsRead: without.rowsRead + 3,
      rowsWritten: without.rowsWritten + 3,
      kv: without.kvReads + without.kvWrites,
    });
  });

  it("repeated costs one round trip, and writes nothing", async () => {
    const creation = await newCreation(name, await createTestUser("admin"));
    await sendKeyed("again", creation, { bindings });
    const again = await sendKeyed("again", creation, { bindings });
    expect(isReplayed(again)).toBe(true);
    expectWithin(again, { trips: 1, rowsRead: 12, rowsWritten: 0, kv: 1 });
  });
});

describe("a refusal", () => {
  it("to a stranger is one row in two indexes, and costs two more round trips", async () => {
    const creation = await newCreation("POST /v1/auth/register");
    await send(creation.path, { ...creation.options, bindings });
    const plain = costOf(await send(creation.path, { ...creation.options, bindings }));
    const refused = await send(creation.path, keyed("taken", { ...creation.options, bindings }));
    expect(refused.status).toBe(409);
    const { queries, rowsWritten } = costOf(refused);
    expect({ queries, rowsWritten }).toEqual({
      queries: plain.queries + 2,
      rowsWritten: plain.rowsWritten + 2,
    });
  });
});
