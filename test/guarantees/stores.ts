import type { Section } from "./line.ts";

export const STORES: Section = {
  title: "Which store decides what",
  lines: [
    [
      "stores-1",
      "D1 decides on a session's generation and end, on whether the user is active, and on the role and its permissions, in the round trip of the data that the request reads",
      "D1 round trip",
      "auth/me: takes one D1 round trip and no KV access",
      "auth/access-token: gets what D1 grants, not what it claims",
      "roles/read: to a role is visible immediately in every isolate, in one D1 round trip",
      "http/faults: that is stale admits no deactivated user: reads, writes and refresh are refused immediately",
    ],
    [
      "stores-2",
      "… or that it writes: what ends between the read and the write is not used",
      "ends between the check and the write, changes nothing",
      "guarantees/lost-authority: changes nothing at all, not even what follows from the change: %s",
      "conformance/if-match: returns 412 if the resource changes between read and write: %s",
      "api-keys/owner: is demoted between read and write changes nothing",
      "roles/create: returns 401 if the caller's session ends between read and write",
      "bulk/bulk: does nothing once the caller has lost the permission: %s",
    ],
    [
      "stores-3",
      "KV carries the record of a session for introspection: written at login, at refreshes that renew or change it, and at the end, read where D1 is not asked at all",
      "KV record, login and refresh",
      "sessions/record: is written at login and refresh: once a day of the session, and outlives the tokens of that day",
      "sessions/introspection: costs no D1 query and one KV read in the usual case",
      "sessions/ended-record: is written again if KV refuses the first write, which is logged",
    ],
    [
      "stores-4",
      "Login failures and one-time codes are counted in one upsert in D1 before they are checked",
      "counts, before it evaluates",
      "email-login/limits: counts a code before it evaluates it: of 20 wrong ones in parallel, five are evaluated",
      "auth/lockout: evaluate at most 10 of 40 concurrent passwords, return 429 for the rest, and lock the account",
      "second-factors/verify: of wrong codes: five are evaluated",
      "auth/half-done: with a wrong password counts as an attempt even if recording the failure fails",
    ],
    [
      "stores-5",
      "Rate-limit counters are exact in the memory of an isolate; KV is used only for callers above a fifth of their limit",
      "below a fifth of the limit",
      "rate-limits/store: is neither read nor written below a fifth of the limit: %s",
      "rate-limits/limits: accepts exactly 5 of 20 concurrent requests in one isolate",
      "rate-limits/store: reads the counts of the first isolate, including its last request, from a fifth of the limit",
    ],
    [
      "stores-6",
      "Audit events are in the batch of the change",
      "batch",
      "http/faults: leaves nothing of a batch if one statement fails",
      "users/erase: erases nothing if its audit event cannot be written",
      "auth/half-done: of a reused token does not end the session if its audit event cannot be written",
    ],
    [
      "stores-7",
      "Sealed days of the audit trail are in R2 where it is bound",
      "archive, sealed day",
      "audit/archive: has each sealed day as gzipped NDJSON of the events as stored, with its seal",
      "audit/archive: is left out without a bucket, and catches up once one is bound",
    ],
    [
      "stores-8",
      "Forged refresh tokens are refused before any I/O",
      "forged, without D1 or KV access",
      "auth/refresh: refuses forged, truncated, extended and other kinds of tokens without D1 or KV access",
      "lib/tokens: with any bit flipped, truncated, padded or with another prefix is invalid",
    ],
    [
      "stores-9",
      "A refresh is one D1 round trip",
      "refresh, one D1 round trip",
      "auth/refresh: returns new tokens of the same session in one D1 round trip, with no-store",
      "budgets/authentication: POST /v1/auth/refresh",
    ],
    [
      "stores-10",
      "The successor is a function of session and generation: a retry within 30 s gets the same one",
      "same successor, retry within 30 seconds",
      "auth/refresh: returns the same successor to a retry within 30 seconds",
      "lib/tokens: is a function of its claims: always the same text, and a different one for each generation",
      "sessions/refresh-by-cookie: gives a retry within 30 seconds the same cookie, and ends the session later",
    ],
    [
      "stores-11",
      "Older generations end the session, audited",
      "ends the session, older token",
      "auth/refresh: ends the session immediately when an older token than the last used one is sent",
      "auth/refresh: ends the session when the used token is sent again after 30 seconds, and records it once",
    ],
    [
      "stores-12",
      "With read replicas, reads of one's own data may lag; everything else stays on the primary",
      "everything else comes from the primary",
      "replicas/own-data: reads of others and lists, whatever bookmark is sent",
      "replicas/own-data: every round trip of a change, a login and a refresh",
      "replicas/own-data: authority: a role that was taken away is of no use, although the replica still has it",
      "replicas/own-data: may come from a replica: GET %s",
    ],
    [
      "stores-13",
      "Read replicas are off by default",
      "read replicas are off",
      "replicas/own-data: is absent while read replicas are off, and from responses without D1",
    ],
  ],
};

const REFUSED =
  "sessions/immediate-effect: refresh, reads and writes are refused immediately in every isolate";
const INACTIVE =
  "sessions/immediate-effect: introspection returns inactive in the same isolate, and in others once KV has the change";

export const EFFECTS: Section = {
  title: "When a change takes effect",
  lines: [
    [
      "effect-1",
      "After logout, refresh, reads and writes are refused at once",
      "refresh, reads and writes are refused immediately",
      `${REFUSED} «logout»`,
      "auth/logout: returns 204 and ends the session immediately for refresh, writes and reads",
    ],
    [
      "effect-2",
      "… after a session was ended",
      "refused immediately",
      `${REFUSED} «ending the session from another session»`,
      `${REFUSED} «an administrator ending the session»`,
      `${REFUSED} «an administrator ending all sessions»`,
    ],
    [
      "effect-3",
      "… after the password was changed",
      "refused immediately, password change",
      `${REFUSED} «a password change in another session»`,
    ],
    [
      "effect-4",
      "… after the password was reset",
      "refused immediately, password reset",
      `${REFUSED} «a password reset»`,
    ],
    [
      "effect-5",
      "… after the user was deactivated",
      "refused immediately, deactivation",
      `${REFUSED} «deactivation»`,
    ],
    [
      "effect-6",
      "… after the user was deleted",
      "refused immediately, deletion",
      `${REFUSED} «deletion by an administrator»`,
      `${REFUSED} «deletion by the user»`,
    ],
    [
      "effect-7",
      "… after the role was changed",
      "refused immediately, role change",
      `${REFUSED} «a role change»`,
    ],
    [
      "effect-8",
      "… after an administrator changed the email",
      "refused immediately, change of email",
      `${REFUSED} «an administrator's change of email»`,
    ],
    [
      "effect-9",
      "Introspection in other locations calls such a session inactive within 60 s",
      "introspection, inactive",
      INACTIVE,
      "sessions/ended-record: is inactive in the isolate that ended it while KV is stale",
      "sessions/ended-record: is eventually inactive if the record of a refresh arrives after the record of its end",
      "sessions/record: says that the session has ended if it ended while the record was restored",
    ],
    ["effect-10", "KV brings the end of a session to every location within 60 s", ""],
  ],
};
