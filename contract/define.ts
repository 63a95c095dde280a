// How a stage is written down: its types follow from its schema and its ports, here and nowhere else.
import type { Static, TSchema } from 'typebox';
import type { JsonObject } from '../util/json.ts';
import type { InputPorts, OutputPorts } from './ports.ts';
import type { StageContext, StageDeclaration, StageDefinition, StageRun } from './stage.ts';

/** A declaration as it is written: `params` is a schema, from which the type of the parameters follows. */
type Written<P extends TSchema, I extends InputPorts, O extends OutputPorts, U> = StageDeclaration<
  Static<P>,
  I,
  O,
  U
> & { readonly params: P };

/** A stage whose work stands in another file, which `stage` joins to it: planning never loads that. */
export function declareStage<
  P extends TSchema,
  const I extends InputPorts,
  const O extends OutputPorts,
  U extends JsonObject = never,
>(declaration: Written<P, I, O, U>): StageDeclaration<Static<P>, I, O, U> {
  return declaration;
}

/** A stage in one module: its declaration, and its work as `run`. */
export type WholeStage<Params, I extends InputPorts, O extends OutputPorts, U> = Omit<
  StageDeclaration<Params, I, O, U>,
  'version' | 'numeric' | 'seeded' | 'ports' | 'settle'
> &
  Partial<Pick<StageDeclaration, 'version' | 'numeric' | 'seeded'>> & {
    /** Does the work: reads its inputs, writes its outputs and calls `done` of each unit. */
    run(context: StageContext<Params, I, O, U>): Promise<void>;
  };

/**
 * A stage of one's own, as the default export of the module that a pipeline names with `use: ./my-stage.mjs`. Its parameters, inputs and
 * outputs are typed by what it declares. `version` is 1 where it is not given: the digest of the code is in the key anyway.
 */
export function defineStage<
  P extends TSchema,
  const I extends InputPorts,
  const O extends OutputPorts,
  U extends JsonObject = never,
>(stage: WholeStage<Static<P>, I, O, U> & { readonly params: P }): WholeStage<Static<P>, I, O, U> {
  return stage;
}

/** What the work of a declared stage is given: `ContextOf<typeof slw>`. */
export type ContextOf<D> =
  D extends StageDeclaration<infer Params, infer I, infer O, infer U> ? StageContext<Params, I, O, U> : never;

/** A unit of the work of a declared stage. */
export type WorkOf<D> = ContextOf<D>['units'][number];

/**
 * Joins a declaration with what loads its work: a declaration never imports its work, so neither waits for the other. Here its own types
 * end: to the runner its parameters are JSON, which the schema has let through.
 */
export function stage<Params, I extends InputPorts, O extends OutputPorts, U>(
  declaration: StageDeclaration<Params, I, O, U>,
  load: () => Promise<(context: StageContext<Params, I, O, U>) => Promise<void>>,
): StageDefinition {
  return {
    ...(declaration as unknown as StageDeclaration),
    run: load as () => Promise<unknown> as () => Promise<StageRun>,
  };
}
