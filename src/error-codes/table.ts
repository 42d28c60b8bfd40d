/** Each error code with its HTTP status, its title and a detail that says what the client can do. */
export type ErrorTable = Record<string, readonly [status: number, title: string, detail: string]>;
