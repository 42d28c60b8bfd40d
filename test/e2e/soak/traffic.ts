import { setTimeout } from "node:timers/promises";
import { ADMIN_OPERATIONS } from "./administration.ts";
import type { Person } from "./model.ts";
import { PEOPLE_OPERATIONS, register } from "./people.ts";
import { SESSION_OPERATIONS } from "./sessions.ts";
import type { Operation, World } from "./world.ts";

const SECOND = 1000;
/** How many operations run at the same time at most. */
const MAX_RUNNING = 24;
/** Until there are this many people who are not deleted, more operations are registrations. */
const PEOPLE = 150;
/** One of this many operations is a registration. */
const REGISTERS_EVERY_SOON = 4;
const REGISTERS_EVERY = 20;

const OPERATIONS: readonly Operation[] = [
  ...SESSION_OPERATIONS,
  ...PEOPLE_OPERATIONS,
  ...ADMIN_OPERATIONS,
];

/** What has been done, and what was not as it must be. */
export interface Progress {
  operations: Map<string, number>;
  violations: string[];
}

interface Pace {
  /** Operations per second. */
  rate: number;
  seconds: number;
}

/** Runs operations at a rate for a time, each on a person whom no other operation has, and waits for the last ones. */
export async function runTraffic(world: World, { rate, seconds }: Pace): Promise<Progress> {
  const progress: Progress = { operations: new Map(), violations: [] };
  const busy = new Set<Person>();
  const running = new Set<Promise<void>>();
  const start = Date.now();
  for (let count = 0; Date.now() - start < seconds * SECOND; count += 1) {
    await setTimeout(Math.max(0, start + (count * SECOND) / rate - Date.now()));
    if (running.size >= MAX_RUNNING) await Promise.race(running);
    const work: Promise<void> = runOne(world, busy, progress).finally(() => running.delete(work));
    running.add(work);
  }
  await Promise.all(running);
  return progress;
}

async function runOne(world: World, busy: Set<Person>, progress: Progress): Promise<void> {
  const { random, model } = world;
  const isFew = model.living().length < PEOPLE;
  const registers = random(isFew ? REGISTERS_EVERY_SOON : REGISTERS_EVERY) === 0;
  const chosen = registers ? undefined : choose(world, busy);
  const name = chosen?.operation.name ?? "registration";
  if (chosen) busy.add(chosen.person);
  try {
    await (chosen ? chosen.operation.run(world, chosen.person) : register(world));
    progress.operations.set(name, (progress.operations.get(name) ?? 0) + 1);
  } catch (error) {
    progress.violations.push(`${name}: ${(error as Error).message}`);
  } finally {
    if (chosen) busy.delete(chosen.person);
  }
}

// An operation by its weight, of those for which there is someone who is free. Undefined if there is none.
function choose({ random, model }: World, busy: ReadonlySet<Person>) {
  const free = model.people.filter((person) => !busy.has(person));
  const possible = OPERATIONS.filter(({ isFor }) => free.some(isFor));
  const total = possible.reduce((sum, { weight }) => sum + weight, 0);
  let left = random(Math.max(1, total));
  const operation = possible.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  if (!operation) return undefined;
  const people = free.filter(operation.isFor);
  const person = people[random(people.length)];
  return person && { operation, person };
}
