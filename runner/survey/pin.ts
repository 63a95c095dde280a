// Parameters as a stage gets them: names on the hub with the commit that the unit's key was made with.
import type { JsonObject } from '../../contract/stage.ts';
import { isHubName } from '../../hub/name.ts';
import { pinnedName, type SourceRef } from '../../store/hub-source.ts';
import { isObject, type Json } from '../../util/json.ts';
import { pointerParts, valueAt } from './preimage.ts';

/** `params` with every `hf://` name at a pointer of `sources` pinned; the same object when there is none. */
export function withPins(params: JsonObject, sources: Readonly<Record<string, SourceRef>>): JsonObject {
  return Object.entries(sources).reduce((pinned, [pointer, source]) => {
    const value = valueAt(pinned, pointer);
    if (typeof value !== 'string' || !isHubName(value)) return pinned;
    return replaceAt(pinned, pointerParts(pointer), pinnedName(value, source)) as JsonObject;
  }, params);
}

function replaceAt(value: Json, [first, ...rest]: string[], to: string): Json {
  if (first === undefined) return to;
  if (Array.isArray(value)) {
    return (value as readonly Json[]).map((each, i) => (String(i) === first ? replaceAt(each, rest, to) : each));
  }
  if (!isObject(value)) return value;
  return { ...(value as JsonObject), [first]: replaceAt((value as JsonObject)[first] ?? null, rest, to) };
}
