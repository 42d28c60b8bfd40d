/** Mutants that survive because they change nothing that anyone can notice, by id, with the reason. */
export const SURVIVORS: Readonly<Record<string, string>> = {
  "0478f1bec2":
    "The time of the last use is compared before the statement, too. Only two isolates that use a key for the first time in a minute at once write twice instead of once.",
  "016d240ebc":
    "The factor was read as a confirmed one of the user in the same request. Neither its user nor that it is confirmed can change afterwards.",
  "02aa260260":
    "The statement that begins the session has the same condition, and explains its refusal with the same error. The comparison only saves a round trip.",
  "0446f297ce":
    "Two integers of at most 33 bytes each, which must end where the signature ends, are never longer than that.",
  "0fbd3d2451":
    "Without a context there is no limit either: the second operand says the same, and the first is for the type.",
  "127f4c409c":
    "The statement that erases has the same condition. The comparison only saves the work before it.",
  b72036981c: "One attempt more or less after a conflict makes no difference to what is decided.",
  "9c45376e87": "One attempt more or less after a conflict makes no difference to what is decided.",
  cde3726cf3: "Hono sets `Secure` on every cookie with this prefix, whatever the attribute says.",
};
