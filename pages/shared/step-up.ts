// How the client asks the person to prove who they are again (RFC 9470). The dialog registers itself, because it is a component.

/** Asks for one proof. Resolves with the method used; undefined if the person declines. */
type Ask = (done: ReadonlySet<string>) => Promise<string | undefined>;

let ask: Ask | undefined;
let queue: Promise<unknown> = Promise.resolve();

/** Registers the dialog that asks. Returns what removes it. */
export function onStepUp(dialog: Ask): () => void {
  ask = dialog;
  return () => {
    if (ask === dialog) ask = undefined;
  };
}

/**
 * Asks for one proof by a method that is not among those `done`, and adds it. One dialog at a time: others wait. False if the person
 * declines.
 */
export async function requestStepUp(done: Set<string>): Promise<boolean> {
  const turn = queue.then(() => ask?.(done));
  queue = turn.catch(() => undefined);
  const method = await turn;
  if (method) done.add(method);
  return method !== undefined;
}
