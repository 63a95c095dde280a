// Sentences of model cards that several formats say, and what stands around a card's code.

/** The sentence, where something applies. */
export function noteIf(applies: boolean, note: string): string[] {
  return applies ? [note] : [];
}

/** Of a format that knows no sharing; `where` its layers lie. */
export function expandedNote(isShared: boolean, where = 'here'): string[] {
  const note = `Every layer has an MLP of its own ${where}, because the format knows no sharing: the first size is what sharing needs, the second what these weights take.`;
  return noteIf(isShared, note);
}

/** Of a format that knows one MLP width; `padded` are the layers that are narrower. */
export function paddedNote(padded: readonly number[]): string[] {
  const note = `The MLPs of ${layersText(padded)} are narrower; zeros fill them up, which changes no output.`;
  return noteIf(padded.length > 0, note);
}

/** Of a quantised model that is written in another type than it was measured in. */
export function dequantizedNote(scheme: string | undefined): string[] {
  const note = `The model was quantised (${scheme}) and is written in another type: these bytes are not those of the model that was measured.`;
  return noteIf(scheme !== undefined, note);
}

/** `layer 3`, `layers 3, 5`. */
export function layersText(layers: readonly number[]): string {
  return `${layers.length === 1 ? 'layer' : 'layers'} ${layers.join(', ')}`;
}

/** Lines of a program, fenced. */
export function codeBlock(language: string, lines: readonly string[]): string {
  return [`\`\`\`${language}`, ...lines, '```'].join('\n');
}
