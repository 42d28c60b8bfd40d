import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useTitle } from "../ui/layout.tsx";

interface ScreenProps {
  title: string;
  children: ComponentChildren;
}

/** A narrow page with one thing to do. The focus goes to its first field, or to its start, which screen readers then read. */
export function Screen({ title, children }: ScreenProps) {
  const content = useRef<HTMLElement>(null);
  useTitle(title);
  useEffect(() => {
    const field = content.current?.querySelector<HTMLElement>("form input, form select");
    (field ?? content.current)?.focus();
  }, []);
  return (
    <main id="content" class="narrow" ref={content} tabIndex={-1}>
      <div class="card">
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
