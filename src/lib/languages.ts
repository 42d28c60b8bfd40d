/** The longest language tag that is looked up. RFC 5646 (section 4.4.1) needs no more than 35 characters. */
const MAX_TAG_LENGTH = 35;

/**
 * The available language that fits the first of these BCP 47 tags that has one, by the lookup of RFC 4647 (section 3.4): `de-AT`
 * finds `de`. Undefined if there is none. A malformed tag is skipped.
 */
export function findLanguage<T extends string>(
  tags: readonly string[],
  available: readonly T[],
): T | undefined {
  for (const tag of tags) {
    const found = lookUp(tag, available);
    if (found) return found;
  }
  return undefined;
}

function lookUp<T extends string>(tag: string, available: readonly T[]): T | undefined {
  for (let range = canonicalize(tag); range; range = truncate(range)) {
    const found = available.find((language) => language === range);
    if (found) return found;
  }
  return undefined;
}

// Without extensions such as `-u-co-phonebk`.
function canonicalize(tag: string): string {
  if (tag.length > MAX_TAG_LENGTH) return "";
  try {
    return new Intl.Locale(tag).baseName;
  } catch {
    return "";
  }
}

function truncate(range: string): string {
  return range.slice(0, Math.max(range.lastIndexOf("-"), 0));
}
