// A prompt as the tokens that a model answers: in its own chat template, in the one that lamina trains with, or as it is.
import { renderChat } from '../../model/forward/chat.ts';
import type { Message, TemplateName } from '../../model/forward/record.ts';
import type { ModelTokenizer } from '../../stages/common/model-input.ts';
import { UserError } from '../../util/errors.ts';

/** The template that is used where `asked` is asked for: without it the model's own, if it has one. */
export function templateFor({ hasTemplate = false }: ModelTokenizer, asked: TemplateName | undefined): TemplateName {
  if (asked === 'own' && !hasTemplate) {
    throw new UserError(
      "--template own: the model has no chat template, expected '--template tulu' or '--template none'",
    );
  }
  return asked ?? (hasTemplate ? 'own' : 'tulu');
}

/** The conversation up to where the model's turn begins (methods A.7); UserError where the model's template refuses it. */
export function promptTokens(
  prompt: string,
  system: string | undefined,
  tokenizer: ModelTokenizer,
  template: TemplateName,
): number[] {
  if (template === 'none') return tokenizer.encode(prompt);
  const before: Message[] = system === undefined ? [] : [{ role: 'system', content: system }];
  const messages: Message[] = [...before, { role: 'user', content: prompt }];
  const own = template === 'own' ? tokenizer.template : undefined;
  if (own === undefined) return tokenizer.encode(`${renderChat(messages)}<|assistant|>\n`);
  return tokenizer.encode(own.render(messages, { prompts: true }).text, { addSpecialTokens: false });
}
