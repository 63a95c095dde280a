// The examples under the help of each command.

const texts: Readonly<Record<string, string>> = {
  lamina: `
Start here:
  lamina init                                  a folder of your own, with a spec that runs
  lamina check lamina:quickstart               is the spec right?
  lamina plan lamina:quickstart                what would run, what is cached?
  lamina run lamina:quickstart                 run it, print the table
  lamina show quickstart --format md           print the table again

SPEC is a file, or the name of what comes with lamina: 'lamina check lamina:' says what there is.

Exit codes: 0 done, 1 a stage, a number or a claim failed, 2 the spec or the flags are invalid, 130 stopped.`,
  init: `
What is there already stays as it is. The folder is found from those below it: its store (.lamina) and its results.

Examples:
  lamina init
  lamina init my-experiments`,
  check: `
Examples:
  lamina check experiments/*.yaml
  lamina check lamina:                                             what comes with lamina
  lamina check experiments/quickstart.yaml --profile llama-2-7b --set tuned.lr=1e-5,3e-5`,
  plan: `
Examples:
  lamina plan experiments/quickstart.yaml
  lamina plan experiments/quickstart.yaml --set rank=8,16 --verbose
  lamina plan experiments/quickstart.yaml --json | jq .summary
  lamina plan experiments/table-*.yaml                             work that specs share is counted once
  lamina plan experiments/table-2.yaml --profile llama-2-7b --device a100-80gb`,
  run: `
Examples:
  lamina run experiments/quickstart.yaml
  lamina run experiments/quickstart.yaml --only method=sharp,data=dialogsum
  lamina run experiments/quickstart.yaml --set tuned.lr=1e-5 -j 1
  lamina run experiments/quickstart.yaml --force warm
  lamina run experiments/quickstart.yaml --set tuned.lr=1e-5 --name low-lr --tag trial
  lamina run experiments/quickstart.yaml --timeout 2h --retries 1
  lamina run experiments/quickstart.yaml --frozen                  nothing but what is in quickstart.lock
  lamina run experiments/table-2.yaml --resources sft:memory=32GB,time=12h
  lamina run experiments/table-2.yaml --executor slurm             on a cluster: docs/cluster.md

Stop it with Ctrl-C, or in any other way: what is finished is kept, and the same command goes on.

With --remote (or LAMINA_REMOTE) results are looked for in a store that is shared too, and what is made here is written there: docs/sharing-a-store.md
  lamina run experiments/quickstart.yaml --remote file:///shared/lamina
  lamina run experiments/quickstart.yaml --remote 's3://results/lamina?endpoint=https://s3.example.org'`,
  lock: `
The lock lies beside the spec (SPEC.lock) and holds, for each profile and set of flags that was locked: the digests of all inputs, the commit of each model and data set of the hub,
parameters, versions and digests of code, seeds, numerics, and the record of every number. Everything has to be in the store: run the spec first.
'lamina run --frozen' and 'lamina plan --frozen' refuse anything else, name what moved, and take a branch of the hub for the commit that is locked.

Examples:
  lamina lock experiments/quickstart.yaml
  lamina lock experiments/table-*.yaml --profile llama-2-7b
  lamina lock experiments/quickstart.yaml --set rank=8             beside what is locked without the flag
  lamina run experiments/quickstart.yaml --frozen`,
  bundle: `
In the bundle are the spec with its pipelines and stages of your own, its lock, the outcome (table, cells, claims, provenance), the record of every unit, artifacts up to 1 MiB (all metrics),
and inputs of the project up to --largest-input; the others are named. Everything has to be in the store: run the spec first. Readers verify and show it without a store, and
make one cell again in it with 'lamina run SPEC --frozen --only CELL --store NEW', which says where it comes out otherwise. With --to NAME.tar it is one file,
which verify and show read as it is; 'tar xf' makes the folder.

Examples:
  lamina bundle experiments/quickstart.yaml --to quickstart-bundle
  lamina bundle experiments/quickstart.yaml --run 17 --to quickstart-bundle
  lamina verify quickstart-bundle                                  compares every file, makes the numbers again from the records
  lamina show quickstart-bundle
  lamina bundle experiments/quickstart.yaml --to quickstart.tar    one file; the same bundle has the same bytes`,
  push: `
For what was made without a shared store: 'lamina run --remote' writes there by itself, also what an earlier run with it could not. Credentials come from the environment
(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE). Exit code 1 where something could not be written.

Examples:
  lamina push experiments/*.yaml --remote file:///shared/lamina
  LAMINA_REMOTE=s3://results/lamina lamina push experiments/quickstart.yaml`,
  pull: `
To go on without the shared store: 'lamina run --remote' fetches by itself what it reads, and no more. Exit code 1 where an artifact is not to be had.

Examples:
  lamina pull experiments/quickstart.yaml --remote file:///shared/lamina
  lamina pull experiments/quickstart.yaml --records                the records alone; artifacts are fetched when they are read`,
  show: `
Examples:
  lamina show quickstart
  lamina show quickstart@17 --format latex                         a run by its number, or by the start of its name or time
  lamina show ../theirs/results/quickstart/tiny                    the outcome in a folder
  lamina show quickstart --format csv > quickstart.csv
  lamina show quickstart --format html -o quickstart.html          the whole story on one page
  lamina show quickstart --format md -o t.md --figures figures     the table, with the figures that it shows
  lamina show quickstart --format arrow -o quickstart.arrow        for pandas, Polars, DuckDB: docs/results.md
  lamina show quickstart --remote file:///shared/lamina            a colleague's, where there is none here: docs/sharing-a-store.md

Without a run in the store, the outcome that is kept in results/ is shown. How a run failed or was stopped is said first, and the exit code is then 1.`,
  diff: `
A and B are NAME[@RUN], SPEC[@REVISION], or NAME@REVISION for the outcome that git has in results/; NAME@results is the
outcome in results/ now; a folder like results/NAME/PROFILE is the outcome in it. A profile goes last: NAME:PROFILE, SPEC@REVISION:PROFILE. One alone is compared with what came after:
a spec with the working tree, a run with the latest one.

Examples:
  lamina diff experiments/quickstart.yaml                       my edits: git's HEAD against the working tree
  lamina diff experiments/quickstart.yaml@HEAD~5 --format md    the last five commits
  lamina diff quickstart                                        the latest run against the one before
  lamina diff quickstart@results quickstart                     the committed outcome against the latest run
  lamina diff ../theirs/results/table-2/tiny results/table-2/tiny    two folders side by side
  lamina diff quickstart@12 quickstart@17 --format html > diff.html
  lamina diff experiments/table-2.yaml experiments/table-3.yaml
  lamina diff experiments/table-2.yaml:tiny experiments/table-2.yaml:llama-2-7b
  lamina diff quickstart@HEAD quickstart --exit-code            in CI: 1 when a number moved

The sides must be given old first. Nothing is run: numbers come from the store, with --remote from the shared one too.`,
  why: `
Examples:
  lamina why experiments/quickstart.yaml tuned                     why would this stage run?
  lamina why experiments/quickstart.yaml tuned data=dialogsum      only for these cells
  lamina why experiments/quickstart.yaml sharp,dialogsum           what is this number made of?`,
  logs: `
Each with its stage, its cell, its unit, and the file: standard output and error of the last attempt, whether it failed or not. A stage that printed nothing
has none. Of a log above 4 MiB the first and the last MiB are kept.

Examples:
  lamina logs experiments/quickstart.yaml tuned                    all units of a stage
  lamina logs experiments/quickstart.yaml tuned data=dialogsum     only for these cells
  lamina logs experiments/quickstart.yaml sharp,dialogsum          all that a number is made of
  lamina logs quickstart@17 sharp,dialogsum                        as it was in that run
  lamina logs experiments/quickstart.yaml tuned --follow           while it runs`,
  copy: `
Examples:
  lamina copy experiments/pretrain-tiny.yaml export --to models/tiny
  lamina copy experiments/quickstart.yaml tuned --only data=dialogsum --to out`,
  export: `
MODEL is a folder in Hugging Face's layout, a GGUF file, an hf:// name, a model that comes with lamina, or a spec. Of a spec, the second name says which checkpoint is meant, as
for 'lamina generate'; it must have been run. The options beside those of a spec are the parameters of the stage 'export' ('lamina stages export'), and what it makes is cached like
all stages. The folder appears when it is whole.

Examples:
  lamina export lamina:tiny --format gguf --dtype Q8_0 --to tiny-gguf
  lamina export hf://HuggingFaceTB/SmolLM2-135M --format onnx --dtype INT4 --to smollm2-onnx
  lamina export experiments/quickstart.yaml sharp,dialogsum --format hf --dtype F16 --to sharp
  lamina export quickstart@17 sharp,dialogsum --format peft --dtype F32 --to adapter`,
  generate: `
MODEL is a folder in Hugging Face's layout, a GGUF file, an hf:// name, a model that comes with lamina, or a spec. Of a spec, the second name says which checkpoint is meant: a stage
(the model that it makes, or the model that it works on), or a cell as 'lamina why' names it (the model that its number was measured on).
It must have been run. The prompt is put into the model's own chat template, or into lamina's where it has none: see --template.

Examples:
  lamina generate models/tiny --prompt "Solve 3x + 5 = 20 for x."
  lamina generate lamina:tiny --prompt "Solve 3x + 5 = 20 for x."  the same model, from anywhere
  lamina generate experiments/quickstart.yaml tuned --only data=arxiv_math --prompt "Solve 3x + 5 = 20 for x."
  lamina generate experiments/quickstart.yaml direct_sharing,dialogsum --prompt - < question.txt
  lamina generate hf://meta-llama/Llama-3.2-3B --template none --prompt "Once upon a time" --temperature 0.8 --top-p 0.95 --seed 1`,
  runs: `
Each with how it ended: done, failed (and in how many stages), stopped, died (its process is gone and left no end), running, or on the
host where it began, when that cannot be seen from here.

The newest is last. After how long it took stand one number (that of the last cell that most of them have, or of --cell), the flags and the parameters
in which the runs of an experiment differ, tags and note. A name of --name stands after '@' as the number does.

Examples:
  lamina runs
  lamina runs quickstart --limit 50 --cell sharp,dialogsum
  lamina runs quickstart --json
  lamina runs tag quickstart@17 baseline
  lamina runs note quickstart@17 "with the old tokenizer"
  lamina runs rm quickstart@12 quickstart@13`,
  ui: `
The page listens on 127.0.0.1 and asks for nothing from elsewhere. It changes nothing but the tags and notes of runs. From another machine:
ssh -L 7317:127.0.0.1:7317 HOST, and then http://127.0.0.1:7317/ here. See docs/ui.md.

Examples:
  lamina ui
  lamina ui --store ../theirs/.lamina --port 8080

A shared store (LAMINA_REMOTE) is not looked at: 'lamina pull SPEC' and 'lamina run SPEC' bring its results to the page.`,
  cache: `
'alone' is what nothing else of its kind has: what is free when that goes. Artifacts count by their size, each once.

Examples:
  lamina cache
  lamina cache --json | jq .total

A shared store (LAMINA_REMOTE) is not looked at.`,
  gc: `
Kept is what runs were made of and show: all runs by default, or with --keep, --keep-last and --older-than those that one of these keeps. A run with a
name or a tag is always kept, and so is one that has not ended. What processes use at this moment stays, whatever the flags say; they wait while it is
done. The list of runs and their tables stay too ('lamina runs rm' takes a run from the list), and so does all that is in a shared store (LAMINA_REMOTE).

Examples:
  lamina gc                                                        what no run needs
  lamina gc --intermediate --yes                                   activations and checkpoints that are used up; made again when needed
  lamina gc --intermediate capture-activations --yes               of this stage alone
  lamina gc --keep-last 3 --keep quickstart@17
  lamina gc --older-than 30d --quota 20GB --yes`,
  verify: `
What is damaged goes to the folder quarantine of the store, where 'lamina gc' finds it, and is made again by the next run that needs it. Exit code 1 when
something was found.

Examples:
  lamina verify
  lamina verify quickstart-bundle
  lamina verify --json | jq '.damaged[].name'`,
  audit: `
Each unit of the sample is carried out once more, from the inputs that the store has, in a folder for temporary files; its outputs are compared byte by byte, and metrics number by number.
The store is only read. Timings are left out. SPEC may be NAME@RUN; without one it is the latest run of each experiment. Exit code 1 where something came out otherwise.

Examples:
  lamina audit experiments/quickstart.yaml
  lamina audit --sample 5% --sample-seed 3
  lamina audit quickstart@17 --sample 20 --json | jq .drift`,
  doctor: `
Each backend is tried in a process of its own: it is loaded, multiplies two matrices and trains a small model, and its numbers are
compared with plain JavaScript's. The exit code is 0 when onnx on cpu, or the one that was asked about, is usable, 1 otherwise.

Examples:
  lamina doctor
  lamina doctor --provider webgpu
  lamina doctor --install tensorflow                               TensorFlow for the CPU, from npm and PyPI; --gpu for NVIDIA's
  lamina doctor --install cuda                                     what --provider cuda needs beside NVIDIA's driver
  lamina doctor --remote file:///shared/lamina                     is the shared store there, and what can it do?
  lamina doctor --json | jq '.backends[] | {backend, provider, verdict, reason}'`,
  stages: `
Examples:
  lamina stages
  lamina stages slw
  lamina stages --spec pipelines/mine.yaml                         with your own`,
  schemas: `
Examples:
  lamina schemas --out schemas/json
  lamina schemas . --out schemas                                   with the stages of your own in the pipelines here`,
};

/** The text after a command's help. */
export function examples(command: string): string {
  return texts[command] ?? '';
}
