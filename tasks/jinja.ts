// Jinja templates of task files, with Python's meaning: an undefined name is a mistake, `[-1]` counts from the end, and a template
// that is one expression also gives its value, so that choices need not be printed and read back.
import { UserError } from '../util/errors.ts';
import { evaluate, nameOf, type Scope } from './jinja-evaluate.ts';
import { list, TemplateError } from './jinja-methods.ts';
import { type Expression, parseTemplate, type Statement } from './jinja-nodes.ts';
import { clip } from './jinja-operators.ts';
import { type Doc, str, truthy, type Value } from './python-value.ts';

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
  const complain = (error: unknown): never => {
    if (error instanceof TemplateError || error instanceof SyntaxError) {
      throw new UserError(`${where}: the template '${clip(text)}' cannot be rendered: ${error.message}`);
    }
    throw error;
  };
  let body: Statement[];
  try {
    body = parseTemplate(text);
  } catch (error) {
    // the parser fails on a template that ends early with whatever it stumbles over
    return complain(error instanceof TypeError ? new SyntaxError('it ends too early') : error);
  }
  return (doc) => {
    try {
      return render(body, new Map(Object.entries(doc)));
    } catch (error) {
      return complain(error);
    }
  };
}

function render(body: readonly Statement[], scope: Scope): Rendered {
  const shown = body.filter(({ type }) => type !== 'Comment');
  const [only] = shown;
  if (shown.length === 1 && only !== undefined && isExpression(only)) {
    const value = evaluate(only, scope);
    return { text: str(value), value };
  }
  return { text: renderAll(shown, scope), value: undefined };
}

function isExpression(node: Statement): node is Expression {
  return !['Comment', 'If', 'For', 'Set'].includes(node.type);
}

function renderAll(body: readonly Statement[], scope: Scope): string {
  let text = '';
  for (const node of body) {
    text += renderOne(node, scope);
    if (text.length > longestOutput) throw new TemplateError(`it gives more than ${longestOutput} characters`);
  }
  return text;
}

function renderOne(node: Statement, scope: Scope): string {
  if (isExpression(node)) return str(evaluate(node, scope));
  if (node.type === 'If') return renderAll(truthy(evaluate(node.test, scope)) ? node.body : node.alternate, scope);
  if (node.type === 'For') return renderLoop(node, scope);
  if (node.type === 'Set') {
    scope.set(nameOf(node.assignee), node.value === null ? renderAll(node.body, scope) : evaluate(node.value, scope));
  }
  return '';
}

function renderLoop(node: Extract<Statement, { type: 'For' }>, scope: Scope): string {
  const items = list(evaluate(node.iterable, scope));
  if (items.length === 0) return renderAll(node.defaultBlock, scope);
  const texts = items.map((item, i) => {
    const inner = new Map(scope);
    bindTarget(node.loopvar, item, inner);
    inner.set('loop', { index: i + 1, index0: i, first: i === 0, last: i === items.length - 1, length: items.length });
    return renderAll(node.body, inner);
  });
  return texts.join('');
}

function bindTarget(target: Expression, item: Value, scope: Scope): void {
  if (target.type !== 'TupleLiteral') {
    scope.set(nameOf(target), item);
    return;
  }
  const parts = list(item);
  if (parts.length !== target.value.length) throw new TemplateError('a loop that unpacks another number of values');
  for (const [i, name] of target.value.entries()) scope.set(nameOf(name), parts[i] as Value);
}
