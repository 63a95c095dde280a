// Requests as a conversation: what the harness puts into a model's chat template (`--apply_chat_template`).

/** One turn, as the harness gives it to a template. */
export interface ChatTurn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** How a model is talked to. */
export interface TaskChat {
  /** The conversation in the model's template, up to where its answer begins. */
  render(turns: readonly ChatTurn[]): string;
  /** Examples are turns of their own, not a text before the question. */
  fewshot_as_multiturn: boolean;
}

/** The conversation with the question at its end: in a turn of its own, or below the examples that the last turn has. */
export function withQuestion(turns: readonly ChatTurn[], question: string, asTurn: boolean): ChatTurn[] {
  const last = turns.at(-1);
  if (asTurn || last === undefined || last.role === 'system') return [...turns, { role: 'user', content: question }];
  return [...turns.slice(0, -1), { ...last, content: last.content + question }];
}
