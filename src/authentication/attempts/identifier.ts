import { users } from "../../db/schema/users.ts";

/** The account whose password is checked: by the comparison key of its username or email, or by its id. */
export interface LoginIdentifier {
  kind: "username" | "email" | "id";
  key: string;
}

const COLUMNS = { username: users.usernameKey, email: users.emailKey, id: users.id } as const;

/** The column that an identifier is looked up in. */
export function toIdentifierColumn({ kind }: LoginIdentifier) {
  return COLUMNS[kind];
}
