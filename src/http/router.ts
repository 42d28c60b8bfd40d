import type { Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";

/**
 * Hono's fast router for paths that overlap. It compiles all paths to one regular expression, and refuses a literal beside a
 * parameter, as in `/v1/users/export` and `/v1/users/:id`; Hono then takes a router that is several times slower. Here paths without
 * parameters have a router of their own, and take precedence. Throws UnsupportedPathError if two paths with parameters overlap.
 */
export class LiteralFirstRouter<T> implements Router<T> {
  readonly name = "LiteralFirstRouter";
  readonly #literals = new RegExpRouter<T>();
  readonly #patterns = new RegExpRouter<T>();
  readonly #literalRoutes = new Set<string>();

  add(method: string, path: string, handler: T): void {
    const isWildcard = path.endsWith("*");
    const isPattern = /\/:/.test(path);
    if (!isPattern) this.#literals.add(method, path, handler);
    if (isPattern || isWildcard) this.#patterns.add(method, path, handler);
    else this.#literalRoutes.add(`${method} ${path}`);
  }

  match(method: string, path: string) {
    const isLiteral = this.#literalRoutes.has(`${method} ${path}`);
    return (isLiteral ? this.#literals : this.#patterns).match(method, path);
  }
}
