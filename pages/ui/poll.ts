import { useEffect, useRef } from "preact/hooks";

/**
 * Calls `work` again and again while the page is visible and `isOn`, each time the returned milliseconds after the last call has ended.
 * `work` handles its errors; it ends the calls by returning undefined.
 */
export function usePoll(
  work: () => Promise<number | undefined>,
  isOn: boolean,
  firstDelayMs: number,
): void {
  const latest = useRef(work);
  latest.current = work;
  useEffect(() => {
    if (!isOn) return;
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let delayMs: number | undefined = firstDelayMs;
    let isRunning = false;
    const run = async () => {
      isRunning = true;
      delayMs = await latest.current();
      isRunning = false;
      plan();
    };
    const plan = () => {
      clearTimeout(timer);
      const isDue = !isRunning && !signal.aborted && document.visibilityState === "visible";
      if (isDue && delayMs !== undefined) timer = setTimeout(() => void run(), delayMs);
    };
    document.addEventListener("visibilitychange", plan, { signal });
    plan();
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [isOn, firstDelayMs]);
}
