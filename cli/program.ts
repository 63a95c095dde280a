// The commands with their flags and help; each is loaded when it is called, so that starting stays quick.
import { Command, Help, type Option } from 'commander';
import type { Context } from './common/context.ts';
import {
  addAuditFlags,
  addBundleFlags,
  addCollectionFlags,
  addDoctorFlags,
  addEstimateFlags,
  addExportFlags,
  addGenerateFlags,
  addPlanFlags,
  addRunFlags,
  addRunsFlags,
  addStoreFlags,
  addUiFlags,
  collect,
  type StoreFlags,
} from './common/flags.ts';
import { examples } from './common/help.ts';
import { packageVersion } from './common/package-version.ts';
import { sayProject } from './common/project.ts';
import { addRemoteFlags } from './common/remote.ts';
import { usageMistake } from './common/usage-mistakes.ts';

/** What is added to a command that is about to be called, or to be explained. */
export type Additions = Readonly<Record<string, (command: Command) => void>>;

/** The program; `exit` is told the exit code of the command that ran. */
export function buildProgram(context: Context, exit: (code: number) => void, additions: Additions = {}): Command {
  const { out, err } = context.terminal;
  const program = new Command('lamina')
    .description('Declarative experiments on layer sharing in language models: a spec in, the table out.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ helpWidth: Math.min(out.width() ?? 100, 120), optionDescription })
    .configureOutput({ writeOut: out.write, writeErr: err.write })
    .exitOverride()
    .addHelpText('after', examples('lamina'));
  const add = (signature: string, summary: string) =>
    program
      .command(signature)
      .description(summary)
      .addHelpText('after', examples(signature.split(' ')[0] ?? ''));
  const call =
    <Flags, Arguments extends unknown[]>(
      load: () => Promise<(args: Arguments, flags: Flags, context: Context) => Promise<number>>,
    ) =>
    async (...given: unknown[]) => {
      const [flags] = given.slice(-2) as [Flags];
      exit(await (await load())(given.slice(0, -2) as Arguments, flags, context));
    };
  /** For commands that open the store, and with `results` the results folder: they say where these are. */
  const inProject =
    <Flags extends StoreFlags, Arguments extends unknown[]>(
      results: boolean,
      load: () => Promise<(args: Arguments, flags: Flags, context: Context) => Promise<number>>,
    ) =>
    async (...given: unknown[]) => {
      const [flags] = given.slice(-2) as [Flags];
      sayProject(context, flags.store, results);
      await call(load)(...given);
    };

  add('init [folder]', "begin a folder of your own: a spec that runs, an editor's settings, a .gitignore").action(
    call(async () => (await import('./commands/init.ts')).init),
  );
  addPlanFlags(add('check <spec...>', 'validate specs and print every mistake with its line and the way out')).action(
    call(async () => (await import('./commands/check.ts')).check),
  );
  addRemoteFlags(
    addEstimateFlags(
      addPlanFlags(add('plan <spec...>', 'say what would run, what is cached and what it will take; runs nothing')),
    ),
  )
    .option('-v, --verbose', 'list every unit')
    .option('--frozen', "refuse what is not in the spec's lock, naming what moved (see 'lamina lock')")
    .action(inProject(false, async () => (await import('./commands/plan.ts')).plan));
  addRemoteFlags(
    addRunFlags(addPlanFlags(add('run <spec...>', 'run what is not cached, then print the table and the claims'))),
    true,
  ).action(inProject(true, async () => (await import('./commands/run.ts')).run));
  addPlanFlags(
    add('lock <spec...>', 'write down what the numbers of a spec are made of, for git and for run --frozen'),
  ).action(inProject(false, async () => (await import('./commands/lock.ts')).lock));
  addBundleFlags(
    add(
      'bundle <spec>',
      'put a table and all that it was made of into a folder or a file for readers, who need no store and no GPU',
    ),
  ).action(inProject(false, async () => (await import('./commands/bundle.ts')).bundle));
  addRemoteFlags(addStoreFlags(add('show <name[@run]>', 'print the table and the claims of a run')))
    .option('--profile <name>', 'the latest run of this profile')
    .option('--format <form>', 'text, md, latex, csv, json, html, arrow or parquet', 'text')
    .option('-o, --out <file>', 'write to a file instead of printing')
    .option('--figures <folder>', 'write the figures and the picture of the stages there, as SVG')
    .action(inProject(true, async () => (await import('./commands/show.ts')).show));
  addRemoteFlags(
    addStoreFlags(
      add('diff <a> [b]', 'say what differs between two runs, two specs, or a spec and a git revision of it'),
    ),
  )
    .option('--profile <name>', 'the profile of both sides, where they do not name one')
    .option('--format <form>', 'text, md, json or html', 'text')
    .option('--all', 'list every row of long lists')
    .option('--exit-code', 'exit with 1 where something differs')
    .action(inProject(true, async () => (await import('./commands/diff.ts')).diff));
  addRemoteFlags(
    addPlanFlags(add('why <spec> <cell-or-stage> [cell]', 'say why a stage would run, or what a number was made of')),
  ).action(inProject(false, async () => (await import('./commands/why.ts')).why));
  addRemoteFlags(
    addPlanFlags(add('logs <spec> <cell-or-stage> [cell]', 'print what stages printed, of a number or by name')),
  )
    .option('-f, --follow', 'print what running stages print, until their run has ended')
    .option('--all', 'of earlier attempts too')
    .action(inProject(false, async () => (await import('./commands/logs.ts')).logs));
  addRemoteFlags(addPlanFlags(add('copy <spec> <stage>', "copy a stage's artifacts out of the store")))
    .requiredOption('--to <folder>', 'where to put them')
    .action(inProject(false, async () => (await import('./commands/copy.ts')).copy));
  addRemoteFlags(
    addExportFlags(
      add(
        'export <model> [stage-or-cell]',
        'write a model for transformers, PEFT, llama.cpp or ONNX Runtime: a folder, a GGUF file, an hf:// name, or a checkpoint of a spec',
      ),
    ),
    true,
  ).action(inProject(false, async () => (await import('./commands/export.ts')).exportModel));
  addRemoteFlags(
    addGenerateFlags(
      add(
        'generate <model> [stage-or-cell]',
        'let a model talk: a folder, a GGUF file, an hf:// name, or a checkpoint of a spec',
      ),
    ),
  ).action(call(async () => (await import('./commands/generate.ts')).generate));
  addRemoteFlags(
    addPlanFlags(add('push <spec...>', 'write what the local store has of specs into the shared one (--remote)')),
  ).action(inProject(false, async () => (await import('./commands/push.ts')).push));
  addRemoteFlags(
    addPlanFlags(add('pull <spec...>', 'take what the shared store (--remote) has of specs into the local one')),
  )
    .option(
      '--records',
      'what was computed and with which results, without the artifacts: these come when they are read',
    )
    .action(inProject(false, async () => (await import('./commands/pull.ts')).pull));
  const runs = addRemoteFlags(
    addRunsFlags(add('runs [name]', 'list the runs that the store knows, name them, remove them')),
  ).action(inProject(false, async () => (await import('./commands/runs.ts')).runs));
  const edit = async () => import('./commands/edit-runs.ts');
  runs
    .command('rm <name@run...>')
    .description('remove runs from the list; what they made stays in the store')
    .action(ofParent(inProject(false, async () => (await edit()).removeRuns)));
  runs
    .command('tag <name@run> <tag...>')
    .description('mark a run')
    .option('--remove', 'take these tags away')
    .action(ofParent(inProject(false, async () => (await edit()).tagRun)));
  runs
    .command('note <name@run> <text>')
    .description('say something of a run; an empty text takes the note away')
    .action(ofParent(inProject(false, async () => (await edit()).noteRun)));
  addUiFlags(add('ui', 'show store and results as a page on this machine: runs, tables, graphs, curves')).action(
    inProject(true, async () => (await import('./commands/ui.ts')).ui),
  );
  addStoreFlags(add('cache', 'say what the store takes: by stage, by experiment, by run'))
    .option('--all', 'list every row of long tables')
    .action(inProject(false, async () => (await import('./commands/cache.ts')).cache));
  addCollectionFlags(add('gc', 'free what no kept run needs; says what that is, and does it with --yes')).action(
    inProject(false, async () => (await import('./commands/gc.ts')).gc),
  );
  addStoreFlags(
    add('verify [bundle]', 'read the whole store over, what is damaged is put aside and made again; or a bundle'),
  ).action(inProject(false, async () => (await import('./commands/verify.ts')).verify));
  addAuditFlags(
    add('audit [spec...]', 'make a sample of cached units again beside the store, and say what came out otherwise'),
  ).action(inProject(false, async () => (await import('./commands/audit.ts')).audit));
  addRemoteFlags(
    addDoctorFlags(add('doctor', 'say what lamina can compute on here, and why not on the rest')),
    true,
  ).action(call(async () => (await import('./commands/doctor.ts')).doctor));
  add('stages [name]', 'list the stages, or describe one: inputs, outputs, parameters, where it comes from')
    .option(
      '--spec <spec-or-folder>',
      'with the stages of your own that its pipelines use; runs their modules',
      collect,
      [],
    )
    .option('--json', 'print JSON for programs')
    .option('--markdown', 'print the page docs/stages.md')
    .action(call(async () => (await import('./commands/stages.ts')).stages));
  add('schemas [spec-or-folder...]', 'write the JSON Schemas with which an editor completes and checks specs')
    .requiredOption('--out <folder>', 'where to write them')
    .action(call(async () => (await import('./commands/schemas.ts')).schemas));
  for (const command of program.commands) additions[command.name()]?.(command);
  sayMistakes(program);
  return program;
}

/** Each command tells mistakes of its command line itself, since only it knows which one was called. */
function sayMistakes(command: Command): void {
  command.configureOutput({ outputError: (text, write) => write(usageMistake(text, command)) });
  for (const each of command.commands) sayMistakes(each);
}

/** The action of a command within another: flags of the outer one, such as `--store`, may stand after it too, and count. */
function ofParent(action: (...given: unknown[]) => Promise<void>): (...given: unknown[]) => Promise<void> {
  return (...given) => {
    const command = given.at(-1) as Command;
    return action(...given.slice(0, -2), command.optsWithGlobals(), command);
  };
}

/** A flag that may be given several times has no default worth printing. */
function optionDescription(option: Option): string {
  return Array.isArray(option.defaultValue) ? option.description : new Help().optionDescription(option);
}
