// The builders of schemas against typebox's own: the same JSON, and the same properties that may be left out.
import { Type as TypeBox } from 'typebox';
import { describe, expect, test } from 'vitest';
import { Type } from '../../schemas/type.ts';

const both = [Type, TypeBox] as readonly (typeof Type)[];

/** What each of the two makes, as JSON text: the order of keys is that of the committed schemas. */
function texts(make: (type: typeof Type) => object): string[] {
  return both.map((type) => JSON.stringify(make(type)));
}

describe('the JSON is that of typebox', () => {
  const cases: Record<string, (type: typeof Type) => object> = {
    'a text': (type) => type.String({ minLength: 1, description: 'what it is' }),
    'a text without options': (type) => type.String(),
    'whole numbers': (type) => type.Integer({ minimum: 1, default: 4 }),
    numbers: (type) => type.Number({ exclusiveMinimum: 0 }),
    'true or false': (type) => type.Boolean({ default: false }),
    nothing: (type) => type.Null({ description: 'none' }),
    anything: (type) => type.Unknown({ description: 'a value' }),
    'a list': (type) => type.Array(type.Integer({ minimum: 0 }), { minItems: 1 }),
    'names and numbers': (type) => type.Enum(['F32', 16], { default: 16 }),
    'one of several': (type) => type.Union([type.String(), type.Array(type.String())], { description: 'one or more' }),
    'a mapping': (type) => type.Record(type.String(), type.Integer(), { minProperties: 1 }),
    'a mapping whose keys have a form': (type) => type.Record(type.String({ pattern: '^[a-z]+$' }), type.Unknown()),
    'a schema as it stands': (type) => type.Unsafe<string>({ $ref: '#/$defs/value', description: 'text' }),
    'an object': (type) =>
      type.Object(
        { must: type.String(), may: type.Optional(type.Integer({ default: 1 })), any: type.Optional(type.Unsafe({})) },
        { additionalProperties: false },
      ),
    'an object of which all may be left out': (type) => type.Object({ may: type.Optional(type.String()) }),
    'an object within an object': (type) => type.Object({ inner: type.Optional(type.Object({ must: type.Null() })) }),
    'an object without properties': (type) => type.Object({}),
  };

  test.each(Object.entries(cases))('%s', (_, make) => {
    const [ours, theirs] = texts(make);
    expect(ours).toBe(theirs);
    expect(ours?.length).toBeGreaterThan(1);
  });
});

test('what may be left out here may be left out in an object of typebox’s, and the other way round', () => {
  expect(TypeBox.Object({ a: Type.Optional(Type.String()), b: Type.String() }).required).toEqual(['b']);
  expect(Type.Object({ a: TypeBox.Optional(TypeBox.String()), b: TypeBox.String() }).required).toEqual(['b']);
});

test('a schema that may be left out is another one: what it was made of stays as it was', () => {
  const text = Type.String();
  expect(Type.Object({ may: Type.Optional(text), must: text }).required).toEqual(['must']);
});
