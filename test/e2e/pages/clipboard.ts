import type { Page } from "playwright-core";

/** What the page has copied. It is pasted into a field that the page did not have, because pages may not read the clipboard. */
export async function readClipboard(page: Page): Promise<string> {
  await page.evaluate(() => {
    const field = document.createElement("textarea");
    field.id = "pasted";
    // Nothing outside of a modal dialog can have the focus.
    (document.querySelector("dialog[open]") ?? document.body).appendChild(field);
    field.focus();
  });
  await page.keyboard.press("ControlOrMeta+v");
  return page.locator("#pasted").evaluate((field: HTMLTextAreaElement) => {
    field.remove();
    return field.value;
  });
}
