// What a reader has opened, chosen or scrolled stays when a view is drawn again.

/** Takes note of it; the result puts it back into what stands there then. */
export function keepState(main: HTMLElement): () => void {
  const open = new Map<string, boolean>();
  each(main, 'details', (details: HTMLDetailsElement, name) => open.set(name, details.open));
  const scrolled: [number, number][] = [];
  each(main, '.wide', (wide: HTMLElement) => scrolled.push([wide.scrollLeft, wide.scrollTop]));
  const chosen = new Set<string>();
  each(main, 'input[type=checkbox]:checked', (box: HTMLInputElement) => chosen.add(`${box.name}\n${box.value}`));
  const focus = nameOfFocus(main);
  return () => {
    each(main, 'details', (details: HTMLDetailsElement, name) => {
      details.open = open.get(name) ?? details.open;
    });
    let at = 0;
    each(main, '.wide', (wide: HTMLElement) => {
      [wide.scrollLeft, wide.scrollTop] = scrolled[at++] ?? [0, 0];
    });
    each(main, '#chosen input[type=checkbox]', (box: HTMLInputElement) => {
      box.checked = chosen.has(`${box.name}\n${box.value}`);
    });
    focus?.();
  };
}

/** `details` are known by what stands in their first line. */
function each<E extends HTMLElement>(
  main: HTMLElement,
  selector: string,
  act: (element: E, name: string) => void,
): void {
  for (const element of main.querySelectorAll<E>(selector))
    act(element, element.id || (element.querySelector('summary strong,summary')?.textContent ?? ''));
}

/** Puts the focus on what stands in the place of the element that has it. */
function nameOfFocus(main: HTMLElement): (() => void) | undefined {
  const at = document.activeElement;
  if (!(at instanceof HTMLElement) || !main.contains(at)) return undefined;
  const selector = 'a,button,input,select,summary,[tabindex]';
  const index = [...main.querySelectorAll(selector)].indexOf(at);
  const text = at.textContent;
  return () => {
    const found = [...main.querySelectorAll<HTMLElement>(selector)];
    const same =
      found[index]?.textContent === text ? found[index] : found.find((element) => element.textContent === text);
    same?.focus({ preventScroll: true });
  };
}
