/** Mutants that survive because they change nothing that anyone can notice, by id, with the reason. */
export const SURVIVORS: Readonly<Record<string, string>> = {
  "016d240ebc":
    "The factor was read as a confirmed one of the user in the same request. Neither its user nor that it is confirmed can change afterwards.",
};
