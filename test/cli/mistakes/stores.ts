// What goes wrong with stores and runs.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { type Mistake, right } from './given.ts';

export const inStores: Mistake[] = [
  [
    'a run that there is not',
    right,
    'show mine',
    ["error  there is no run of 'mine' in '.lamina', which holds no runs yet: start one with lamina run"],
  ],
  [
    'a run of a number that there is not',
    right,
    'show mine@3',
    ["error  experiment 'mine' has no run '3' in '.lamina': it has no runs (see 'lamina runs')"],
  ],
  [
    'a run without its number',
    right,
    'runs rm mine',
    ["error  'mine' names no run: expected NAME@RUN, such as quickstart@17 (see 'lamina runs')"],
  ],
  [
    'a file in the place of the store',
    { ...right, '.lamina': 'x' },
    'plan mine.yaml',
    [
      "error  the store 'DIR/.lamina' cannot be there: expected a folder, but 'DIR/.lamina' is a file; choose another --store",
    ],
  ],
  [
    'a store in a folder of other things',
    { ...right, 'thesis/chapter-1.tex': 'x' },
    'plan mine.yaml --store thesis',
    ["error  'DIR/thesis' is neither empty nor a lamina store (it holds 'chapter-1.tex'); choose another --store"],
  ],
  [
    'a store of a newer lamina',
    { ...right, 'store/store.json': '{"format":"lamina-store","version":99}' },
    'plan mine.yaml --store store',
    ["error  the store 'DIR/store' has version 99, expected 2; use the lamina that wrote it, or another --store"],
  ],
  [
    'a store whose version is no version',
    { ...right, 'store/store.json': 'hello' },
    'plan mine.yaml --store store',
    ["error  'DIR/store/store.json' is not a lamina store's version file; choose another folder with --store"],
  ],
  [
    "a stage's files before it ran",
    right,
    'copy mine.yaml data --to out',
    ["error  'data' has no result in the store yet: run it first with 'lamina run mine.yaml'"],
  ],
  [
    'a shared store by ftp',
    right,
    'pull mine.yaml --remote ftp://host/store',
    [
      "error  expected file:///FOLDER or s3://BUCKET/PREFIX?endpoint=URL&region=NAME as --remote (or in LAMINA_REMOTE), got 'ftp:'",
    ],
  ],
  [
    'a shared store that is not named',
    right,
    'push mine.yaml',
    ["error  'lamina push' needs a shared store: name one with --remote, or in LAMINA_REMOTE"],
  ],
  [
    'a lock that is not there',
    right,
    'run mine.yaml --frozen',
    ["error  there is no lock 'mine.lock': run the spec without --frozen, then 'lamina lock mine.yaml' writes it"],
  ],
  [
    'a bundle that is none',
    { 'folder/file': 'x' },
    'verify folder',
    ["error  'folder' is no bundle: it has no bundle.json"],
  ],
];
