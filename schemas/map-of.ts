// Mappings with free keys, as JSON Schema, and the names that such keys may be.
import type { Static, TSchema, TUnsafe } from 'typebox';
import { Type } from './type.ts';

/** A name: safe in references (`stage.output`), in file names and on the command line. */
export const plainName = Type.String({
  pattern: '^[A-Za-z_][A-Za-z0-9_-]*$',
  title: "a name of letters, digits, '_' and '-'",
});

/** The name of an experiment or a profile, which may hold a dot: `llama-3.2-3b`. */
export const dottedName = Type.String({
  pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$',
  title: "a name of letters, digits, '_', '-' and '.'",
});

/** A mapping from any key (of the form `key`, when given) to `value`. Unlike Type.Record it holds keys of any text. */
export function mapOf<T extends TSchema>(
  value: T,
  options: { key?: TSchema; description?: string } = {},
): TUnsafe<Record<string, Static<T>>> {
  const { key, description } = options;
  return Type.Unsafe<Record<string, Static<T>>>({
    type: 'object',
    additionalProperties: value,
    ...(key === undefined ? {} : { propertyNames: key }),
    ...(description === undefined ? {} : { description }),
  });
}
