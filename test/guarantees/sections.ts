import { BODIES, ROUTING, TOKENS } from "./attacks.ts";
import { AUTHORIZATION, LOGINS } from "./authorization.ts";
import { FAULTS } from "./faults.ts";
import { IDENTITY, OPERATION } from "./identity.ts";
import { GROWTH, LOCK_OUT } from "./limits.ts";
import type { Section } from "./line.ts";
import { RACES } from "./races.ts";
import { EFFECTS, STORES } from "./stores.ts";

/** All guarantees. Those that no test proves are in docs/run/security.md. */
export const SECTIONS: readonly Section[] = [
  STORES,
  EFFECTS,
  LOCK_OUT,
  GROWTH,
  RACES,
  FAULTS,
  TOKENS,
  ROUTING,
  BODIES,
  AUTHORIZATION,
  LOGINS,
  IDENTITY,
  OPERATION,
];
