import type { Fault } from "roster-client";
import { useTexts } from "../texts/texts.ts";

/** Tells what is wrong with a field, in the language of the page. */
export function useFaultText(): (fault: Fault) => string {
  const { faults } = useTexts();
  return ({ code, message }) => {
    const [limit = ""] = /\d[\d,]*/.exec(message) ?? [];
    return faults[code]?.(limit) ?? message;
  };
}
