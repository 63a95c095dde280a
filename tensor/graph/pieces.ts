// A recording in pieces that run one after the other: what lies between two boundaries is a graph by itself.
//
// Pieces of equal structure, as the layers of a model, share one compiled session, and a value is held from the piece that makes it
// to the last one that reads it.
import type { GraphNode, Value } from './graph.ts';
import { bytesOf, neededNodes } from './lowering.ts';

/** A part of a recording that reads only what earlier ones made. */
export interface Piece {
  readonly nodes: readonly GraphNode[];
  /** What later pieces or the caller read of it. */
  readonly outputs: readonly Value[];
  /** Values that are another one in another shape, with that one: they are read later and not held twice. */
  readonly aliases: readonly (readonly [Value, Value])[];
  /** Values that nobody reads after it. */
  readonly done: readonly Value[];
}

/** What makes `outputs` (all pending) of `recorded`, cut before the nodes numbered `cuts` (ascending) where that pays. */
export function piecesOf(
  recorded: readonly GraphNode[],
  cuts: readonly number[],
  outputs: readonly Value[],
): readonly Piece[] {
  const whole = [{ nodes: recorded, outputs, aliases: [], done: [] }];
  if (cuts.length === 0) return whole;
  const needed = neededNodes(recorded, outputs);
  if (!pays(needed, cuts.length)) return whole;
  return connected(groupsOf(recorded, needed, cuts), outputs);
}

/** Bytes that the nodes of a piece make, on average, from which on a piece costs little against its work. */
const SMALLEST_PIECE_BYTES = 2 ** 23;

/** A piece is a run of its own, and what crosses its end is copied: too much where a layer takes a millisecond. */
function pays(needed: readonly GraphNode[], cuts: number): boolean {
  let bytes = 0;
  for (const { outputs } of needed) for (const output of outputs) bytes += bytesOf(output);
  return bytes >= cuts * SMALLEST_PIECE_BYTES;
}

/**
 * The needed nodes of each piece: a node is where it was recorded; what was recorded after the last cut is as early as its inputs
 * allow, so that the update of a parameter does not wait with its gradient for those of all others.
 */
function groupsOf(
  recorded: readonly GraphNode[],
  needed: readonly GraphNode[],
  cuts: readonly number[],
): GraphNode[][] {
  const places = new Map<GraphNode, number>();
  const wanted = new Set(needed);
  let piece = 0;
  for (const [i, node] of recorded.entries()) {
    while (piece < cuts.length && (cuts[piece] as number) <= i) piece++;
    if (wanted.has(node)) places.set(node, piece);
  }
  moveForward(
    needed.filter((node) => places.get(node) === cuts.length && node.signature.op !== 'Identity'),
    places,
  );
  const groups = Array.from({ length: cuts.length + 1 }, (): GraphNode[] => []);
  for (const node of needed) groups[places.get(node) as number]?.push(node);
  return groups;
}

/** To the last piece that makes an input; what reads nothing that is made goes where it is first read. */
function moveForward(nodes: readonly GraphNode[], places: Map<GraphNode, number>): void {
  const free = new Set<GraphNode>();
  for (const node of nodes) {
    const made = node.inputs.flatMap(({ node: maker }) => (maker === undefined || free.has(maker) ? [] : [maker]));
    if (made.length === 0) free.add(node);
    else places.set(node, Math.max(...made.map((maker) => places.get(maker) as number)));
  }
  for (const node of free) places.set(node, Number.POSITIVE_INFINITY);
  for (const node of nodes.toReversed()) {
    for (const { node: maker } of node.inputs) {
      if (maker === undefined || !free.has(maker)) continue;
      places.set(maker, Math.min(places.get(maker) as number, places.get(node) as number));
    }
  }
}

/** Joins the groups by what crosses from one to another. */
function connected(groups: readonly GraphNode[][], outputs: readonly Value[]): Piece[] {
  const places = new Map(groups.flatMap((nodes, piece) => nodes.map((node) => [node, piece] as const)));
  const placeOf = (value: Value) => places.get(value.node as GraphNode) as number;
  const pieces = groups.map((nodes) => ({
    nodes,
    outputs: [] as Value[],
    aliases: [] as [Value, Value][],
    done: [] as Value[],
  }));
  for (const [value, lastReader] of crossings(groups, placeOf, outputs)) {
    const source = sourceOf(value);
    if (source === value) pieces[placeOf(value)]?.outputs.push(value);
    else pieces[placeOf(value)]?.aliases.push([value, source]);
    pieces[lastReader]?.done.push(value);
  }
  return pieces;
}

/** Values that are read in other pieces than their own, with the last of these; what the caller reads is never done with. */
function crossings(
  groups: readonly GraphNode[][],
  placeOf: (value: Value) => number,
  outputs: readonly Value[],
): Map<Value, number> {
  const found = new Map<Value, number>();
  const reads = (reader: number, value: Value) => found.set(value, Math.max(found.get(value) ?? 0, reader));
  const cross = (reader: number, value: Value) => {
    const source = sourceOf(value);
    reads(reader, value);
    if (source.pending) reads(reader, source);
  };
  groups.forEach((nodes, piece) => {
    for (const input of nodes.flatMap(({ inputs }) => inputs)) {
      if (input.pending && placeOf(input) !== piece) cross(piece, input);
    }
  });
  for (const output of outputs) cross(Number.POSITIVE_INFINITY, output);
  return found;
}

/** The value whose elements `value` has. */
function sourceOf(value: Value): Value {
  const { node } = value;
  const isView = node?.signature.op === 'Reshape' || node?.signature.op === 'Identity';
  return isView ? sourceOf((node as GraphNode).inputs[0] as Value) : value;
}
