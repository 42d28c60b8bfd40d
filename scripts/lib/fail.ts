/** A failure that the person at the keyboard can mend: told in one line, without a stack. */
export class UsageError extends Error {}

/** Runs a script; a UsageError, or a file or socket that cannot be used, ends it with its line alone. */
export async function main(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const isOfSystem = error instanceof Error && "syscall" in error;
    if (!(error instanceof UsageError) && !isOfSystem) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  }
}
