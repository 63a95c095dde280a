// The part of @huggingface/jinja's syntax tree that task files use. The library parses; evaluation is ours (jinja.ts), because
// a task needs Python's values, methods and strictness, where the library prints text for chat templates.
import { parse } from '@huggingface/jinja';
import { templateTokens } from './lexer.ts';

interface Operator {
  value: string;
}

export type Expression =
  | { type: 'Identifier'; value: string }
  | { type: 'StringLiteral'; value: string }
  | { type: 'IntegerLiteral' | 'FloatLiteral'; value: number }
  | { type: 'ArrayLiteral' | 'TupleLiteral'; value: Expression[] }
  | { type: 'ObjectLiteral'; value: Map<Expression, Expression> }
  | MemberExpression
  | CallExpression
  | { type: 'BinaryExpression'; operator: Operator; left: Expression; right: Expression }
  | { type: 'UnaryExpression'; operator: Operator; argument: Expression }
  | FilterExpression
  | { type: 'TestExpression'; operand: Expression; negate: boolean; test: { value: string } }
  | { type: 'Ternary'; condition: Expression; trueExpr: Expression; falseExpr: Expression }
  | { type: 'SelectExpression'; lhs: Expression; test: Expression };

export interface MemberExpression {
  type: 'MemberExpression';
  object: Expression;
  property: Expression | SliceExpression;
  computed: boolean;
}

export interface SliceExpression {
  type: 'SliceExpression';
  start?: Expression | undefined;
  stop?: Expression | undefined;
  step?: Expression | undefined;
}

export interface CallExpression {
  type: 'CallExpression';
  callee: Expression;
  args: (Expression | { type: 'KeywordArgumentExpression'; key: { value: string }; value: Expression })[];
}

export interface FilterExpression {
  type: 'FilterExpression';
  operand: Expression;
  filter: { type: 'Identifier'; value: string } | CallExpression;
}

export type Statement =
  | Expression
  | { type: 'If'; test: Expression; body: Statement[]; alternate: Statement[] }
  | { type: 'For'; loopvar: Expression; iterable: Expression; body: Statement[]; defaultBlock: Statement[] }
  | { type: 'Set'; assignee: Expression; value: Expression | null; body: Statement[] };

/** Parses a template; a mistake is a SyntaxError, of the lexer or of the library in its words. */
export function parseTemplate(text: string): Statement[] {
  const tokens = templateTokens(text) as unknown as Parameters<typeof parse>[0];
  try {
    return parse(tokens).body as unknown as Statement[];
  } catch (error) {
    // where a template ends early the library stumbles over what is not there
    if (error instanceof TypeError) throw new SyntaxError('it ends too early');
    if (error instanceof RangeError) throw new SyntaxError('it is nested too deep');
    throw new SyntaxError((error as Error).message);
  }
}
