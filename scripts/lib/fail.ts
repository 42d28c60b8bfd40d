/** A failure that the person at the keyboard can mend: told in one line, without a stack. */
export class UsageError extends Error {}

/** Runs a script; a UsageError ends it with its line alone. */
export async function main(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  }
}
