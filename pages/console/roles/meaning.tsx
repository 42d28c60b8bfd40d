import { useTexts } from "../../texts/texts.ts";
import type { Permission } from "./data.ts";

/** What a permission allows. */
export function Meaning({ of: { name, description } }: { of: Permission }) {
  const texts: Readonly<Record<string, string>> = useTexts().permissions;
  const text = texts[name] ?? description;
  return text ? <span class="hint">{text}</span> : null;
}
