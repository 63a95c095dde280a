// The data sets of the paper and their mirrors on the hub: which files are the training part, and how many rows these have.

export interface KnownDataset {
  /** The files that are meant when a name gives none. */
  files: string;
  /** Rows of `files`, and of further files by name; estimates only. Those of Dolly, Alpaca, OpenOrca and FineWeb-Edu are general knowledge, the last two rounded. */
  rows: number;
  rowsOf?: Readonly<Record<string, number>>;
}

const known: Readonly<Record<string, KnownDataset>> = {
  'ArtifactAI/arxiv-math-instruct-50k': { files: 'data/train-*.parquet', rows: 50_488 },
  'ayoubkirouane/arxiv-math': { files: 'data/train-*.parquet', rows: 50_488 },
  'vicgalle/alpaca-gpt4': { files: 'data/train-*.parquet', rows: 52_002 },
  'databricks/databricks-dolly-15k': { files: 'databricks-dolly-15k.jsonl', rows: 15_011 },
  'knkarthick/dialogsum': {
    files: 'train.csv',
    rows: 12_460,
    rowsOf: { 'train.csv': 12_460, 'validation.csv': 500, 'test.csv': 1_500 },
  },
  'Open-Orca/OpenOrca': { files: '*.parquet', rows: 4_200_000 },
  'HuggingFaceFW/fineweb-edu': { files: 'sample/10BT/*.parquet', rows: 9_670_000 },
  'allenai/tulu-v2-sft-mixture': { files: 'data/train-*.parquet', rows: 326_154 },
};

/** What is known of the data set `org/name`. */
export function knownDataset(repo: string): KnownDataset | undefined {
  return Object.hasOwn(known, repo) ? known[repo] : undefined;
}

/** The rows that a selection (`''`: the default one) of a known data set has. */
export function knownRows(repo: string, path: string): number | undefined {
  const set = knownDataset(repo);
  return path === '' || path === set?.files ? set?.rows : set?.rowsOf?.[path];
}
