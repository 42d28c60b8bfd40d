const CHUNK = 5000;

/** The id of the `index`th user of the benchmark's database. The highest index is the newest user. */
export function seededUserId(index: number): string {
  return `00000000-0000-7000-8000-${String(index).padStart(12, "0")}`;
}

/** Creates users who cannot log in, with names and addresses of usual length. */
export async function fillUsers(db: D1Database, count: number): Promise<void> {
  for (let start = 0; start < count; start += CHUNK) {
    const length = Math.min(CHUNK, count - start);
    const numbers = JSON.stringify(Array.from({ length }, (_, index) => start + index));
    await db
      .prepare(
        `INSERT INTO users (id, username, username_key, email, email_key, password_hash, first_name, last_name, role, created_at,
           updated_at)
         SELECT printf('00000000-0000-7000-8000-%012d', value), 'user' || value, 'user' || value, 'user' || value || '@example.com',
           'user' || value || '@example.com', '', 'Ada', 'Lovelace', 'user', 1700000000000 + value, 1700000000000 + value
         FROM json_each(?)`,
      )
      .bind(numbers)
      .run();
  }
}
