// What commander says of a command line, in the words of lamina's own sentences: what was expected, what was got, the way out.
import type { Command } from 'commander';
import { didYouMean, orList } from '../../located/nearest.ts';
import { wayOfCommand } from './unknown-command.ts';

/** `error: unknown option '--x'\n(Did you mean --y?)` as `error  unknown option '--x' (did you mean '--y'?)`; `command` is the one that was called. */
export function usageMistake(text: string, command: Command): string {
  const plain = text.replace(/^error: /, '').trimEnd();
  return `error  ${sentenceOf(plain, command) ?? plain.replace(/\.$/, '')}\n`;
}

/** Each kind of sentence of commander's with what is said instead; undefined where its own will do. */
const kinds: readonly [RegExp, (parts: readonly string[], command: Command) => string | undefined][] = [
  [/^unknown command '(.*?)'/, ([name = ''], command) => unknownCommand(name, command)],
  [/^unknown option '(.*?)'(?:\s*\(Did you mean (.*)\?\))?$/s, unknownOption],
  [
    /^missing required argument '(.*)'$/,
    ([name], command) => `${expects(command)} <${name}>, got none${help(command)}`,
  ],
  [
    /^required option '(.*)' not specified$/,
    ([flag], command) => `${expects(command)} ${flag}, got none${help(command)}`,
  ],
  [
    /^option '(.*)' argument missing$/,
    ([flag], command) => `option '${flag}' expects a value, got none${help(command)}`,
  ],
  [/^too many arguments.* Expected (\d+) .* got (\d+)\.$/, tooMany],
  [/^(option '.*' argument '(.*)' is invalid)\. Allowed choices are (.*)\.$/, badChoice],
  [/^(option '.*' argument '.*' is invalid)\. (.*)$/s, ([which, why]) => `${which}: ${why}`],
];

function sentenceOf(text: string, command: Command): string | undefined {
  for (const [pattern, say] of kinds) {
    const found = pattern.exec(text);
    if (found !== null) return say(found.slice(1), command);
  }
  return undefined;
}

function unknownCommand(name: string, command: Command): string {
  const way = wayOfCommand(name);
  if (way !== undefined) return `unknown command '${name}': ${way}`;
  const known = command.commands.map((each) => each.name());
  return `unknown command '${name}'${didYouMean(name, known) || " (see 'lamina --help')"}`;
}

/** Parameters of a spec are no flags of their own, and a shared store is not everywhere. */
function unknownOption([flag = '', near]: readonly string[], command: Command): string {
  if (near !== undefined) return `unknown option '${flag}' (did you mean '${near.replace(/^one of /, '')}'?)`;
  const hasStore = command.options.some(({ long }) => long === '--store');
  if (/^--(?:no-)?remote/.test(flag) && hasStore)
    return `unknown option '${flag}': '${pathOf(command)}' knows the local store alone; 'lamina pull' brings there what a shared one has`;
  const takesSet = command.options.some(({ long }) => long === '--set') && /^--[a-z]/.test(flag);
  const way = takesSet ? `: a parameter of the spec is set with --set ${flag.slice(2)}=VALUE` : '';
  return `unknown option '${flag}'${way}${help(command)}`;
}

function tooMany([most, got]: readonly string[], command: Command): string {
  const amount = most === '0' ? 'no argument' : most === '1' ? '1 argument' : `${most} arguments`;
  return `${expects(command)} ${amount}, got ${got}${help(command)}`;
}

function badChoice([which, given = '', list = '']: readonly string[]): string {
  const choices = list.split(', ');
  return `${which}: expected ${orList(choices)}${didYouMean(given, choices)}`;
}

function expects(command: Command): string {
  return `'${pathOf(command)}' expects`;
}

function help(command: Command): string {
  return ` (see '${pathOf(command)} --help')`;
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
