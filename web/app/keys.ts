// Keyboard control: the arrow keys move the focus, soft keys and Back do what the bar at the bottom says.
// Keypad phones send SoftLeft and SoftRight; elsewhere F1 and F2 do the same.

const STOPS =
  "a[href], button:not(:disabled), input:not(:disabled):not([type=hidden]), textarea:not(:disabled), [data-stop]";

export function listenToKeys({ back }: { back: () => void }): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    if (take(event, back)) event.preventDefault();
  });
}

/** Returns the focus to the screen when the focused element is gone: without a focus, keys do nothing. */
export function keepFocus(root: HTMLElement): void {
  const look = () => {
    if (document.activeElement === document.body) focusFirst(mainPart());
  };
  new MutationObserver(() => requestAnimationFrame(look)).observe(root, { childList: true, subtree: true });
}

/**
 * Focuses the main element of a screen: the last one marked `data-first`. A field for messages is skipped on
 * touch screens, where it would open the keyboard.
 */
export function focusFirst(screen: Element): void {
  const isTouch = matchMedia("(pointer: coarse)").matches;
  const wanted = [...screen.querySelectorAll<HTMLElement>("[data-first]")]
    .filter((element) => !(isTouch && element instanceof HTMLTextAreaElement)).pop();
  if (wanted) return wanted.focus();
  const body = screen.querySelector(".body") ?? screen;
  (stops(body)[0] ?? stops(screen)[0])?.focus();
}

/** Handles a key; false if it is not ours. */
function take({ key, target, shiftKey }: KeyboardEvent, back: () => void): boolean {
  switch (key) {
    case "SoftLeft":
    case "F1":
      return press("left");
    case "SoftRight":
    case "F2":
      return press("right");
    case "Escape":
    case "GoBack":
    case "BrowserBack":
      back();
      return true;
    case "Backspace":
      if (isEditable(target)) return false;
      back();
      return true;
    case "ArrowDown":
    case "ArrowUp":
      return !shiftKey && !keepsCaret(target, key) && moveLine(key === "ArrowDown" ? 1 : -1);
    case "ArrowLeft":
    case "ArrowRight":
      return !isEditable(target) && !isRange(target) && moveAside(key === "ArrowRight" ? 1 : -1);
    default:
      return false;
  }
}

/** The part of the page that has the focus. */
function scope(): Element {
  return document.activeElement?.closest("[data-scope]") ?? mainPart();
}

/** The main part; if nothing in it can be focused, the one beside it. */
function mainPart(): Element {
  const parts = ["main", "aside"].flatMap((name) => document.querySelector(name) ?? []);
  return parts.find((part) => stops(part).length > 0) ?? document.body;
}

function press(side: "left" | "right"): boolean {
  const key = scope().querySelector<HTMLElement>(`[data-soft=${side}]`);
  key?.click();
  return key !== null;
}

function isEditable(target: EventTarget | null): boolean {
  return target instanceof HTMLTextAreaElement ||
    target instanceof HTMLInputElement &&
      !["range", "checkbox", "radio", "file", "button"].includes(target.type);
}

function isRange(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement && target.type === "range";
}

/** Whether the arrow still moves the caret inside a multi-line text. */
function keepsCaret(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLTextAreaElement)) return false;
  const { selectionStart, selectionEnd, value } = target;
  const isUp = key === "ArrowUp";
  const at = isUp ? selectionStart : selectionEnd;
  if (at === (isUp ? 0 : value.length)) return false;
  // Up to the end of the word at the caret, because a word wraps as a whole.
  const caret = heightOf(target, value.slice(0, at) + /^\S*/.exec(value.slice(at))![0]);
  return isUp ? caret > heightOf(target, "") : caret < heightOf(target, value);
}

/** The height of a text in this field, including lines that wrap at its width. */
function heightOf(field: HTMLTextAreaElement, text: string): number {
  const twin = field.cloneNode() as HTMLTextAreaElement;
  Object.assign(twin.style, { position: "absolute", visibility: "hidden", height: "0", minHeight: "0" });
  twin.style.width = `${field.offsetWidth}px`;
  twin.value = text;
  field.after(twin);
  const { scrollHeight } = twin;
  twin.remove();
  return scrollHeight;
}

function stops(within: Element): HTMLElement[] {
  return [...within.querySelectorAll<HTMLElement>(STOPS)].filter((element) =>
    element.getClientRects().length > 0 && !element.closest("[data-keybar]")
  );
}

/** Moves the focus to the next line; elements in a row count as one line. */
function moveLine(step: 1 | -1): boolean {
  const all = stops(scope());
  const from = document.activeElement as HTMLElement;
  if (scrolls(from, step)) return true;
  const at = all.indexOf(from);
  if (at < 0) return focusOn(all[step === 1 ? 0 : all.length - 1]);
  const row = from.closest("[data-row]");
  if (from.closest("[data-grid]")) {
    const inGrid = nearestInGrid(from, step);
    if (inGrid) return focusOn(inGrid);
  }
  const rest = step === 1 ? all.slice(at + 1) : all.slice(0, at).reverse();
  const next = rest.find((element) => !row || !row.contains(element));
  // A row is entered at its first element.
  const nextRow = next?.closest("[data-row]");
  return focusOn(nextRow ? stops(nextRow)[0] : next);
}

/** The nearest element of the next line of a grid; null at its edge. */
function nearestInGrid(from: HTMLElement, step: 1 | -1): HTMLElement | null {
  const here = from.getBoundingClientRect();
  const lines = stops(from.closest("[data-grid]")!)
    .map((element) => ({ element, rect: element.getBoundingClientRect() }))
    .filter(({ rect }) => step === 1 ? rect.top >= here.bottom - 2 : rect.bottom <= here.top + 2)
    .map(({ element, rect }) => ({
      element,
      distance: Math.abs(rect.top - here.top) * 1_000 + Math.abs(rect.left - here.left),
    }));
  return lines.sort((a, b) => a.distance - b.distance)[0]?.element ?? null;
}

/** Moves the focus sideways in a row or grid. Left stays left, also in a right-to-left layout. */
function moveAside(step: 1 | -1): boolean {
  const from = document.activeElement;
  const row = from?.closest("[data-row], [data-grid]");
  if (!from || !row) return false;
  const forward = getComputedStyle(row).direction === "rtl" ? -step : step;
  const all = stops(row);
  return focusOn(all[all.indexOf(from as HTMLElement) + forward]);
}

/** Scrolls an element that is taller than the screen to its end before the focus leaves it. */
function scrolls(element: HTMLElement, step: 1 | -1): boolean {
  const scroller = element.closest<HTMLElement>("[data-scroll]");
  if (!scroller || element === scroller) return false;
  const view = scroller.getBoundingClientRect();
  const { top, bottom } = element.getBoundingClientRect();
  const hidden = step === 1 ? bottom - view.bottom : view.top - top;
  if (hidden <= 2) return false;
  scroller.scrollBy(0, step * Math.min(hidden + 4, view.height * 0.7));
  return true;
}

/** Focuses an element, scrolling no further than needed to see all of it. */
export function focusOn(element: HTMLElement | undefined): boolean {
  if (!element) return false;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest" });
  return true;
}
