// Files made of a result beside its text: the cells as Arrow and Parquet, the figures as SVG.
import { renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RunResult } from '../../contract/result.ts';
import type { CellsColumn } from '../../formats/arrow/cells-table.ts';
import { columnsOf } from '../../report/table/columns.ts';
import { stagesFigure } from '../../spec/plan/figures.ts';
import { writeDurably } from '../../store/durable.ts';
import { temporaryName } from '../../store/temporary.ts';
import { makeFolders } from '../../util/make-folders.ts';

/** Writes the cells as an Arrow IPC file, under its name only when it is whole. */
export async function writeCells(path: string, result: RunResult): Promise<void> {
  const { writeCellsTable } = await import('../../formats/arrow/cells-table.ts'); // Arrow takes a while to load
  makeFolders(dirname(path));
  const unfinished = join(dirname(path), temporaryName());
  try {
    await writeCellsTable(unfinished, cellColumns(result), about(result));
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** Writes the same cells as a Parquet file. */
export async function writeParquet(path: string, result: RunResult): Promise<void> {
  const { encodeCellsParquet } = await import('../../formats/records/cells-parquet.ts');
  makeFolders(dirname(path));
  writeDurably(path, encodeCellsParquet(cellColumns(result), about(result)));
}

function cellColumns(result: RunResult): CellsColumn[] {
  return columnsOf(result, ['metric', 'value', 'paper', 'stderr', 'n', 'key', 'digest', 'name', 'error']);
}

function about({ experiment, profile, title }: RunResult): Record<string, string> {
  return { experiment, profile, title };
}

/** Writes the figures of a result. Returns the files. */
export async function writeFigures(folder: string, result: RunResult): Promise<string[]> {
  const figures = await drawnFigures(result);
  if (figures.length > 0) makeFolders(folder);
  return writeAll(folder, figures);
}

/** Writes the figures of a result and the picture of its stages; other files in the folder stay. Returns the files. */
export async function writePictures(folder: string, result: RunResult): Promise<string[]> {
  const { drawStages } = await import('../../report/figure/stage-graph.ts');
  const stages = await drawStages(result);
  const pictures = await drawnFigures(result);
  if (stages !== null) pictures.push({ file: `${stagesFigure}.svg`, svg: stages });
  makeFolders(folder);
  return writeAll(folder, pictures);
}

interface Picture {
  file: string;
  svg: string;
}

/** Plot takes 0.2 s to load: only who has figures waits for it. */
async function drawnFigures(result: RunResult): Promise<Picture[]> {
  if (result.figures.length === 0) return [];
  const { drawFigures } = await import('../../report/figure/svg.ts');
  return drawFigures(result).map(({ name, svg }) => ({ file: `${name}.svg`, svg }));
}

function writeAll(folder: string, pictures: readonly Picture[]): string[] {
  return pictures.map(({ file, svg }) => {
    writeDurably(join(folder, file), svg);
    return join(folder, file);
  });
}
