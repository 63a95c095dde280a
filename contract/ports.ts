// The ports by which stages are joined: what an artifact holds, and what a stage reads and makes.

/** What an artifact holds; inputs and outputs are joined only when their kinds agree. */
export const artifactKinds = [
  'checkpoint',
  'recovery',
  'exit',
  'activations',
  'states',
  'dataset',
  'tasks',
  'metrics',
  'table',
  'file',
] as const;
export type ArtifactKind = (typeof artifactKinds)[number];

export interface InputPort {
  readonly kind: ArtifactKind;
  readonly summary: string;
  readonly optional?: boolean;
}

export interface OutputPort {
  readonly kind: ArtifactKind;
  readonly summary: string;
  /** The file's ending, without the dot: `arrow`, `json`, `jsonl`. */
  readonly extension: string;
  /** True where some parameters make none of it; an optional input that is joined to it is then left empty. */
  readonly optional?: boolean;
  /** What `lamina copy` calls it, where not `<output>.<extension>`; a record's fact `file_names` wins over it. */
  readonly file_name?: string;
  /** The fields of a metrics output, when they are known beforehand; metric references are then checked against them. */
  readonly fields?: readonly string[];
}

/** The inputs of a stage, by name. */
export type InputPorts = Readonly<Record<string, InputPort>>;

/** The outputs of a stage, by name. */
export type OutputPorts = Readonly<Record<string, OutputPort>>;
