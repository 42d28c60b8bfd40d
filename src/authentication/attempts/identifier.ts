import { users } from "../../db/schema/users.ts";

/** Whose password is being checked: by a name, in the form in which names are compared, or by id. */
export interface LoginIdentifier {
  kind: "username" | "email" | "id";
  key: string;
}

const COLUMNS = { username: users.usernameKey, email: users.emailKey, id: users.id } as const;

/** The column in which such a name stands. */
export function identifyingColumn({ kind }: LoginIdentifier) {
  return COLUMNS[kind];
}
