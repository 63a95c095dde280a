// Jinja templates of task files, with Python's meaning: an undefined name is a mistake, `[-1]` counts from the end, and a template
// that is one expression also gives its value, so that choices need not be printed and read back.
import { UserError } from '../../util/errors.ts';
import { list } from '../call.ts';
import { type Doc, PythonError, str, truthy, type Value } from '../value.ts';
import { evaluate, nameOf, print, type Scope } from './evaluate.ts';
import { type Expression, parseTemplate, type Statement } from './nodes.ts';
import { clip } from './operators.ts';

/** What a template gives: its text, and its value when it is one expression and nothing else. */
export interface Rendered {
  text: string;
  value: Value | undefined;
}

/** A parsed template. */
export type Template = (doc: Doc) => Rendered;

const longestTemplate = 2 ** 20;
const longestOutput = 2 ** 24;

/** Parses `text`; `where` names it in messages. A template that cannot be parsed or rendered is a UserError. */
export function compileTemplate(text: string, where: string): Template {
  if (text.length > longestTemplate)
    throw new UserError(`${where}: a template of more than ${longestTemplate} characters`);
  let body: Statement[];
  try {
    body = parseTemplate(text);
  } catch (error) {
    throw complaint(error, text, where);
  }
  return (doc) => {
    try {
      return render(body, new Map(Object.entries(doc)));
    } catch (error) {
      throw complaint(error, text, where);
    }
  };
}

function complaint(error: unknown, text: string, where: string): unknown {
  const isDeep = error instanceof RangeError;
  if (!(error instanceof PythonError || error instanceof SyntaxError || isDeep)) return error;
  return new UserError(
    `${where}: the template '${clip(text)}' cannot be rendered: ${isDeep ? 'it is nested too deep' : error.message}`,
  );
}

function render(body: readonly Statement[], scope: Scope): Rendered {
  const [only] = body;
  if (body.length === 1 && only !== undefined && isExpression(only) && only.type !== 'SelectExpression') {
    const value = evaluate(only, scope);
    return { text: str(value), value };
  }
  return { text: renderAll(body, scope), value: undefined };
}

function isExpression(node: Statement): node is Expression {
  return !['If', 'For', 'Set'].includes(node.type);
}

function renderAll(body: readonly Statement[], scope: Scope): string {
  let text = '';
  for (const node of body) {
    text += renderOne(node, scope);
    if (text.length > longestOutput) throw new PythonError(`it gives more than ${longestOutput} characters`);
  }
  return text;
}

function renderOne(node: Statement, scope: Scope): string {
  if (isExpression(node)) return print(node, scope);
  if (node.type === 'If') return renderAll(truthy(evaluate(node.test, scope)) ? node.body : node.alternate, scope);
  if (node.type === 'For') return renderLoop(node, scope);
  if (node.type === 'Set') bind(node.assignee, setValue(node, scope), scope);
  return '';
}

function setValue({ value, body }: Extract<Statement, { type: 'Set' }>, scope: Scope): Value {
  return value === null ? renderAll(body, scope) : evaluate(value, scope);
}

type Loop = Extract<Statement, { type: 'For' }>;

function renderLoop(node: Loop, scope: Scope): string {
  const items = itemsOf(node, scope);
  if (items.length === 0) return renderAll(node.defaultBlock, scope);
  const texts = items.map((item, i) => {
    const inner = new Map(scope);
    bind(node.loopvar, item, inner);
    inner.set('loop', loopOf(items, i));
    return renderAll(node.body, inner);
  });
  return texts.join('');
}

/** The items of a loop, of `for x in xs if test` those that pass. */
function itemsOf({ iterable, loopvar }: Loop, scope: Scope): Value[] {
  if (iterable.type === 'Ternary') throw new PythonError("a loop over 'a if b else c': write it in brackets after set");
  if (iterable.type !== 'SelectExpression') return list(evaluate(iterable, scope));
  return list(evaluate(iterable.lhs, scope)).filter((item) => {
    const inner = new Map(scope);
    bind(loopvar, item, inner);
    return truthy(evaluate(iterable.test, inner));
  });
}

function loopOf(items: readonly Value[], i: number): Value {
  const { length } = items;
  return {
    ...{ index: i + 1, index0: i, revindex: length - i, revindex0: length - i - 1, length },
    ...{ first: i === 0, last: i === length - 1 },
    ...(i > 0 && { previtem: items[i - 1] as Value }),
    ...(i < length - 1 && { nextitem: items[i + 1] as Value }),
  };
}

/** Gives a name its value, or several theirs. */
function bind(target: Expression, value: Value, scope: Scope): void {
  if (target.type !== 'TupleLiteral') {
    scope.set(nameOf(target), value);
    return;
  }
  const parts = list(value);
  if (parts.length !== target.value.length) {
    throw new PythonError(`${target.value.length} names for ${parts.length} values`);
  }
  for (const [i, name] of target.value.entries()) bind(name, parts[i] as Value, scope);
}
