import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { RosterProblem } from "roster-client";
import { toProblem } from "../shared/problem.ts";
import { useTexts } from "../texts/texts.ts";
import { ProblemNotice } from "./notice.tsx";

export interface Loaded<T> {
  data: T | undefined;
  problem: RosterProblem | undefined;
  isLoading: boolean;
  /** Loads again. The data stays until the new data is here. */
  reload: () => void;
  /** Shows data that another response had. */
  setData: (data: T) => void;
}

/** Loads data when the component is first shown, and again when one of the keys changes. Answers that arrive too late are dropped. */
export function useLoad<T>(load: () => Promise<T>, keys: readonly unknown[]): Loaded<T> {
  const [state, setState] = useState<{ data?: T; problem?: RosterProblem; isLoading: boolean }>({
    isLoading: true,
  });
  const run = useRef(0);
  const latest = useRef(load);
  latest.current = load;
  const reload = useCallback(() => {
    run.current += 1;
    const mine = run.current;
    setState(({ data }) => ({ ...(data !== undefined && { data }), isLoading: true }));
    latest.current().then(
      (data) => run.current === mine && setState({ data, isLoading: false }),
      (error) => run.current === mine && setState({ problem: toProblem(error), isLoading: false }),
    );
  }, []);
  useEffect(() => {
    reload();
    return () => {
      run.current += 1;
    };
  }, [reload, ...keys]);
  const setData = useCallback((data: T) => setState({ data, isLoading: false }), []);
  return { data: state.data, problem: state.problem, isLoading: state.isLoading, reload, setData };
}

interface ShowProps<T> {
  of: Loaded<T>;
  children: (data: T) => ComponentChildren;
}

/** Shows loaded data, or that it is loading, or why it cannot be shown. */
export function Show<T>({ of, children }: ShowProps<T>) {
  const { common } = useTexts();
  if (of.problem) {
    return (
      <>
        <ProblemNotice problem={of.problem} />
        <button type="button" onClick={of.reload}>
          {common.retry}
        </button>
      </>
    );
  }
  if (of.data === undefined) return <p role="status">{common.loading}</p>;
  return <div aria-busy={of.isLoading}>{children(of.data)}</div>;
}

interface Action {
  /** Runs it, unless it is running. */
  run: (work: () => Promise<unknown>) => Promise<void>;
  isBusy: boolean;
  problem: RosterProblem | undefined;
}

/** Runs what a button does, once at a time, and keeps why it failed. */
export function useAction(): Action {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<RosterProblem>();
  const run = async (work: () => Promise<unknown>) => {
    if (isBusy) return;
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
    } catch (error) {
      setProblem(toProblem(error));
    } finally {
      setBusy(false);
    }
  };
  return { run, isBusy, problem };
}
