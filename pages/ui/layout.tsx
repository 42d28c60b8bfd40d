import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api } from "../shared/api.ts";
import { useSession } from "../shared/session.ts";
import { settings } from "../shared/settings.ts";
import { LANGUAGES, type Language, useLocale, useTexts } from "../texts/texts.ts";

interface LayoutProps {
  title: string;
  /** What screen readers call the navigation. */
  navigation: string;
  links: readonly { href: string; text: string }[];
  children: ComponentChildren;
}

/** The frame of every page: header with navigation, content, and footer with the language. */
export function Layout({ title, navigation, links, children }: LayoutProps) {
  const { common } = useTexts();
  const { path } = useLocation();
  const session = useSession();
  const content = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  // Tells screen readers that there is another page.
  useEffect(() => {
    if (!isFirst.current) content.current?.focus();
    isFirst.current = false;
    window.scrollTo(0, 0);
  }, [path]);
  const isWithin = (href: string) => path === href || path.startsWith(`${href}/`);
  // The address of a section may begin with that of another: the longest one counts.
  const within = links.map(({ href }) => href).filter(isWithin);
  const current = within.sort((one, other) => other.length - one.length)[0];
  return (
    <>
      <a class="skip" href="#content" target="_self">
        {common.skip}
      </a>
      <header>
        <strong>
          {settings.app_name} <span>{title}</span>
        </strong>
        {links.length > 0 && (
          <nav aria-label={navigation}>
            {links.map(({ href, text }) => (
              <a key={href} href={href} aria-current={href === current ? "page" : undefined}>
                {text}
              </a>
            ))}
          </nav>
        )}
        {session && (
          <button type="button" class="quiet" onClick={() => void api.logOut()}>
            {common.logOut}
          </button>
        )}
      </header>
      <main id="content" ref={content} tabIndex={-1}>
        {children}
      </main>
      <Footer />
    </>
  );
}

/** The choice of a language. */
export function Footer() {
  const { common } = useTexts();
  const { language, setLanguage } = useLocale();
  return (
    <footer>
      <label>
        {common.language}{" "}
        <select
          value={language}
          onChange={(event) => setLanguage(event.currentTarget.value as Language)}
        >
          {Object.entries(LANGUAGES).map(([tag, name]) => (
            <option key={tag} value={tag} lang={tag}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </footer>
  );
}

/** Sets the title of the document while the component is shown. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} – ${settings.app_name}`;
  }, [title]);
}
