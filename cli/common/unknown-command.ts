// What people type who know other programs, and what lamina has for it.

const ways = new Map<string, string>();

function add(way: string, ...names: string[]): void {
  for (const name of names) ways.set(name, way);
}

add("'lamina runs' lists the runs, 'lamina show NAME' prints one", 'ls', 'list', 'history', 'results', 'status');
add("'lamina runs rm NAME@RUN' removes a run from the list", 'rm', 'delete', 'remove');
add("'lamina runs tag NAME@RUN TAG' and 'lamina runs note NAME@RUN TEXT' mark a run", 'tag', 'note', 'rename');
add("'lamina export MODEL --format FORMAT --to FOLDER' writes a model for other programs", 'convert');
add("'lamina logs SPEC STAGE' prints what a stage printed", 'log', 'tail');
add("'lamina copy SPEC STAGE --to FOLDER' takes files out of the store", 'cp', 'get', 'download', 'save');
add("'lamina push SPEC' and 'lamina pull SPEC' carry results to a shared store and from it", 'fetch', 'sync', 'upload');
add(
  "stages do that, and 'lamina run SPEC' runs them (see 'lamina stages')",
  'train',
  'finetune',
  'pretrain',
  'quantize',
  'prune',
  'share',
  'eval',
  'evaluate',
  'bench',
  'benchmark',
  'test',
);
add("'lamina run SPEC' runs what is not cached, and goes on where it was stopped", 'start', 'resume', 'repro', 'exec');
add("'lamina run SPEC --set path=value,value' varies a parameter", 'sweep', 'tune');
add("'lamina check SPEC' says every mistake", 'validate', 'lint');
add("'lamina gc' frees what no kept run needs, 'lamina cache' says what the store takes", 'clean', 'du');
add("'lamina verify' reads the store over", 'fsck', 'scrub');
add("'lamina plan SPEC' says what would run", 'dry-run', 'dag', 'graph', 'estimate');
add("'lamina diff A B' says what differs", 'compare');
add("'lamina show NAME --format html -o FILE' writes a page", 'report');
add("'lamina ui' shows runs and results in a browser", 'serve', 'server', 'open', 'dashboard', 'web');
add("'lamina generate MODEL --prompt TEXT' lets a model talk", 'chat', 'talk', 'infer', 'predict', 'sample');
add("'lamina init' begins a folder of your own", 'new', 'create', 'setup');
add("'lamina doctor' says what can be computed on, and installs it", 'install', 'info', 'env', 'devices');
add("'lamina --version' prints the version", 'version');

/** What to use in the place of a command that lamina does not have; undefined where nothing is known. */
export function wayOfCommand(name: string): string | undefined {
  return ways.get(name);
}

/** The names that something is known of. */
export function otherCommands(): string[] {
  return [...ways.keys()];
}
