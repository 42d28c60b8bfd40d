/**
 * What people are told about a fault of a field, by its code, with the number that the service's message has. Codes without a text show
 * the message, which is in English.
 */
export const faults: Readonly<Record<string, (limit: string) => string>> = {};
