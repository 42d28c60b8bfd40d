/** Mutants that survive because they change nothing that anyone can notice, by id, with the reason. */
export const SURVIVORS: Readonly<Record<string, string>> = {
  "016d240ebc":
    "The factor was read as a confirmed one of the user in the same request. Neither its user nor that it is confirmed can change afterwards.",
  "021ce85d6a":
    "It differs for no stored answer at all: then one more statement is sent in the same transaction, which deletes nothing.",
  "0d4fb56d22": "The first write is delayed by 0 ms instead of not at all.",
  "14b4b267cf":
    "A login always has a proof, so the second operand is never used. It is for the type.",
  "2903d2ca41":
    "A record of a session that has not ended, but has no user, is as inactive as one that has ended.",
  "66c47be7f6":
    "Whether an answer of exactly 512 KiB is kept makes no difference: the limit only leaves room below the size that D1 takes.",
};
