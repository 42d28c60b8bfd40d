import { useEffect, useRef, useState } from "preact/hooks";

/** The width of an element in CSS pixels, which follows its changes. */
export function useWidth<T extends HTMLElement>(initial: number) {
  const element = useRef<T>(null);
  const [width, setWidth] = useState(initial);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.round(entry.contentRect.width));
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return { element, width };
}
