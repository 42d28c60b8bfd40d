/** A failure that the user can fix. It is reported by its message, without a stack. */
export class UsageError extends Error {}

/** Runs a script. A UsageError or a system error of a file or socket ends it with exit code 1 and its message. */
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
