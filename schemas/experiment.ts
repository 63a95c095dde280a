// The shape of an experiment file: what it binds, its axes, its table, the paper's numbers and the claims.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the interpolations of specs
import type { Static } from 'typebox';
import { dottedName, mapOf, plainName } from './map-of.ts';
import { withSchema } from './pipeline.ts';
import { resourcesSchema } from './resources.ts';
import { Type } from './type.ts';

const scalar = () => Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);
const params = () =>
  Type.Optional(
    mapOf(Type.Unknown(), { key: plainName, description: 'values of pipeline parameters, and names for ${...}' }),
  );
const withStages = () =>
  Type.Optional(mapOf(withSchema, { description: 'parameters of stages, by the name of the stage' }));
const resources = () =>
  Type.Optional(mapOf(resourcesSchema, { description: 'what stages are given to run with, by the name of the stage' }));
const notes = () =>
  Type.Optional(
    Type.Array(Type.Union([Type.String(), cellNote()]), {
      description: 'remarks printed under the table; with `where`, on the cells that it names',
    }),
  );
const text = (description: string) => Type.Optional(Type.String({ description }));
const metricReference = () => text('where the number is: stage.field or stage.output.field');

/** Axis values that must hold; a list holds when one of its values does. */
const selector = (description = 'axis: value or list') =>
  mapOf(Type.Union([...scalar().anyOf, Type.Array(scalar(), { minItems: 1 })]), { description });
const cellNote = () =>
  Type.Object(
    { where: selector(), note: Type.String({ description: 'what a reader of these numbers should know' }) },
    { additionalProperties: false },
  );
/** Axis values that must hold, one for each axis. */
const pointSelector = () => mapOf(scalar(), { description: 'axis: value' });

const cellNumber = () => Type.Union([Type.Number(), Type.Null()]);
/** Numbers of cells: each entry fixes some axes, and either one axis maps its values to numbers, or `value` is one. */
const numbersOfCells = (description: string) =>
  Type.Array(
    mapOf(Type.Union([...scalar().anyOf, mapOf(cellNumber())]), {
      description: 'axis values; either one axis maps its values to numbers, or `value` is the number',
    }),
    { description },
  );

const axisValue = Type.Object(
  {
    label: text('how the table prints it'),
    value: Type.Optional(Type.Unknown({ description: "the value of the parameter that has the axis's name" })),
    params: params(),
    with: withStages(),
    metric: metricReference(),
    beside: Type.Optional(
      mapOf(Type.String(), { description: 'numbers of the row by column name (table.beside), each stage.field' }),
    ),
  },
  { additionalProperties: false },
);

const shortList = () => Type.Array(scalar(), { minItems: 1, description: 'values of the parameter of that name' });
const namedList = () =>
  Type.String({ pattern: '^\\$\\{[^{}]+\\}$', description: 'the list that the profile gives: ${layers}' });
const axis = Type.Union([
  shortList(),
  namedList(),
  Type.Object(
    {
      label: text('the heading of the axis'),
      values: Type.Union([shortList(), namedList(), mapOf(axisValue)], {
        description: 'the values by name, or a list',
      }),
    },
    { additionalProperties: false },
  ),
]);

const profile = Type.Object(
  {
    default: Type.Optional(Type.Boolean({ description: 'true for the profile that runs when --profile is not given' })),
    summary: text('what it stands for and what it costs'),
    params: params(),
    with: withStages(),
    resources: resources(),
    notes: notes(),
    expect: Type.Optional(
      numbersOfCells("what the control's cells must give in this profile; without it, the paper's numbers"),
    ),
    labels: Type.Optional(
      mapOf(mapOf(Type.String()), { description: 'other labels in this profile, by axis and value' }),
    ),
    copies: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'parameters that say where models and data lie: --set may name a copy of them, and the run is still that of the spec, claims and all',
      }),
    ),
    only: Type.Optional(selector('the axis values that this profile has models and data for; --only chooses others')),
  },
  { additionalProperties: false },
);

const table = Type.Object(
  {
    rows: Type.Optional(Type.Array(Type.String(), { description: 'axes whose values become rows' })),
    columns: Type.Optional(Type.Array(Type.String(), { description: 'axes whose values become columns' })),
    mean_over: Type.Optional(Type.Array(Type.String(), { description: 'axes over which cells are averaged' })),
    beside: Type.Optional(
      mapOf(
        Type.Object(
          {
            label: text('the heading; by default the name'),
            format: Type.Optional(Type.Enum(['number', 'percent'], { description: 'how the number is printed' })),
          },
          { additionalProperties: false },
        ),
        { key: plainName, description: 'columns before the numbers, such as the compression ratio of the row' },
      ),
    ),
    metric: text('what the numbers are, for people'),
    better: Type.Optional(
      Type.Enum(['lower', 'higher', 'neither'], {
        description: 'which way is better; by default higher for accuracies, lower for all else',
      }),
    ),
  },
  { additionalProperties: false },
);

const paper = Type.Object(
  {
    source: Type.String({ description: 'table or figure, model and setting' }),
    values: numbersOfCells('the numbers that the paper prints'),
  },
  { additionalProperties: false },
);

const control = Type.Object(
  {
    cells: Type.Union([selector(), Type.Array(selector(), { minItems: 1 })], {
      description: 'the cells that must come out right before the others are run',
    }),
    within: Type.Number({ minimum: 0, description: 'share of the number that is expected: 0.02' }),
  },
  { additionalProperties: false },
);

const claim = Type.Object(
  {
    claim: Type.String({ description: 'the sentence that is checked' }),
    where: Type.Optional(selector()),
    order: Type.Optional(Type.Array(pointSelector(), { minItems: 2, description: 'each cell at most the next one' })),
    strict: Type.Optional(Type.Boolean({ description: 'order: equal numbers do not hold' })),
    slack: Type.Optional(Type.Number({ minimum: 0, description: 'order: by how much a cell may exceed the next one' })),
    ratio: Type.Optional(
      Type.Object(
        {
          of: pointSelector(),
          to: pointSelector(),
          at_least: Type.Optional(Type.Number()),
          at_most: Type.Optional(Type.Number()),
        },
        { additionalProperties: false, description: 'one cell divided by another, within bounds' },
      ),
    ),
    tolerance: Type.Optional(
      Type.Object(
        {
          of: pointSelector(),
          to: Type.Union([Type.Number(), pointSelector()]),
          within: Type.Number({ minimum: 0, description: 'share of the second number: 0.05' }),
        },
        { additionalProperties: false, description: 'one cell close to another, or to a number' },
      ),
    ),
  },
  { additionalProperties: false },
);

const figure = Type.Object(
  {
    name: Type.Unsafe<string>({ ...dottedName, description: 'the name of its file, without ending' }),
    title: text('what it shows, in one line'),
    kind: Type.Enum(['line', 'heatmap', 'bar'], { description: 'lines, bars side by side, or coloured cells' }),
    x: Type.String({ description: 'the axis along the bottom' }),
    y: text('heat map: the axis upwards'),
    series: Type.Optional(
      Type.Array(Type.String(), { description: 'axes whose values are lines or bars of their own, or panels' }),
    ),
    where: Type.Optional(selector()),
    scale: Type.Optional(Type.Enum(['linear', 'log'], { description: 'of the numbers' })),
    x_label: text('what stands along the bottom; by default the label of the axis'),
    y_label: text('what stands beside; by default the metric of the table, of a heat map the label of the axis'),
    caption: text('what a reader should see in it'),
  },
  { additionalProperties: false },
);

export const experimentFile = Type.Object(
  {
    experiment: Type.Unsafe<string>({ ...dottedName, description: 'the name of the experiment' }),
    title: text('what it shows, in one line'),
    extends: text('a fragment with params, with and profiles that this file goes on from, relative to this one'),
    pipeline: Type.String({ minLength: 1, description: 'the pipeline file, relative to this one' }),
    params: params(),
    with: withStages(),
    resources: resources(),
    profiles: Type.Optional(
      mapOf(profile, { key: dottedName, description: 'models, data and sizes; nothing else may differ' }),
    ),
    axes: Type.Optional(
      mapOf(axis, { key: dottedName, description: 'what varies: every combination is a cell of the table' }),
    ),
    exclude: Type.Optional(Type.Array(selector(), { description: 'cells to leave out' })),
    include: Type.Optional(
      Type.Array(selector(), {
        description: 'the cells to keep; beside exclude, those to keep although exclude names them',
      }),
    ),
    where: Type.Optional(
      Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })], {
        description: "what holds in every cell: 'reference < target', 'target = reference + 1'",
      }),
    ),
    targets: Type.Optional(
      Type.Array(Type.String(), { description: 'stages to run for what they make, not for a number' }),
    ),
    metric: metricReference(),
    table: Type.Optional(table),
    paper: Type.Optional(paper),
    control: Type.Optional(control),
    claims: Type.Optional(Type.Array(claim, { description: 'what the paper says, to be checked on our numbers' })),
    figures: Type.Optional(Type.Array(figure, { description: 'pictures of the cells' })),
    notes: notes(),
  },
  { additionalProperties: false },
);

/** What several experiments have in common: profiles, and values of parameters. */
export const fragmentFile = Type.Object(
  {
    fragment: Type.Unsafe<string>({ ...dottedName, description: 'the name of the fragment' }),
    params: params(),
    with: withStages(),
    profiles: Type.Optional(mapOf(profile, { key: dottedName, description: 'models, data and sizes' })),
  },
  { additionalProperties: false },
);

export type ExperimentFile = Static<typeof experimentFile>;
export type ExperimentAxisValue = Static<typeof axisValue>;
export type ExperimentFigure = Static<typeof figure>;
export type ExperimentNote = string | Static<ReturnType<typeof cellNote>>;
export type ExperimentClaim = Static<typeof claim>;
