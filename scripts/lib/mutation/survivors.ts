/** Mutants that no test can notice, by id, with the reason. */
export const SURVIVORS: Readonly<Record<string, string>> = {};
