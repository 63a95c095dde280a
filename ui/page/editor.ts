// The map by hand: the picture and the line of YAML follow the fields.
import { layerMapSvg, mapFault, mapYaml } from './layer-map.ts';

/** Watches the editor, where the view has one. */
export function watchEditor(main: HTMLElement): void {
  const editor = main.querySelector<HTMLElement>('#editor');
  if (editor === null || editor.dataset.watched === 'yes') return;
  editor.dataset.watched = 'yes';
  editor.addEventListener('change', () => follow(editor));
  follow(editor);
}

function follow(editor: HTMLElement): void {
  const layers = Number(editor.dataset.layers);
  const pairs = [...editor.querySelectorAll<HTMLSelectElement>('select[data-layer]')].flatMap((field) =>
    field.value === ''
      ? []
      : [{ reference: Number(field.value), target: Number(field.dataset.layer), label: '', share: 0, outlier: false }],
  );
  const picture = new DOMParser().parseFromString(layerMapSvg(layers, pairs), 'image/svg+xml').documentElement;
  editor.querySelector('[data-map]')?.replaceChildren(picture);
  const fault = mapFault(pairs, layers) ?? '';
  const yaml = mapYaml(pairs);
  set(editor, '[data-fault]', fault);
  set(editor, '[data-yaml]', fault === '' ? yaml.trimEnd() : '');
  const button = editor.querySelector<HTMLButtonElement>('[data-copy]');
  if (button === null) return;
  button.dataset.copy = yaml;
  button.disabled = fault !== '';
}

function set(editor: HTMLElement, selector: string, text: string): void {
  const place = editor.querySelector(selector);
  if (place !== null) place.textContent = text;
}
