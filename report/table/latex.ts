// A table as LaTeX with the booktabs package.
import { gap, legend, oursText, paperText } from './entry-text.ts';
import { headingLines } from './headings.ts';
import type { Table, TableEntry } from './table.ts';

/** A `table` environment that needs `\usepackage{booktabs}`; what is to be known of its numbers stands before it, as comments. */
export function renderLatex(table: Table, warnings: readonly string[] = []): string {
  const labelCount = table.row_axes.length;
  const columns = 'l'.repeat(labelCount) + 'r'.repeat(table.columns.length);
  const rows = table.rows.map((row) =>
    latexRow([...row.labels.map(escapeLatex), ...row.entries.map((entry) => latexEntry(entry, table))]),
  );
  const notes = [
    ...table.marked_notes.map(({ mark, note }) => `\\textsuperscript{${mark}} ${escapeLatex(note)}`),
    ...table.notes.map(escapeLatex),
  ];
  const lines = [
    ...warnings.map((text) => `% warning: ${text}`),
    '\\begin{table}[t]',
    '  \\centering',
    `  \\caption{${escapeLatex([table.title, ...legend(table, 'Bold:')].join('. '))}.}`,
    `  \\begin{tabular}{${columns}}`,
    '    \\toprule',
    ...latexHeadings(table).map((line) => `    ${line}`),
    '    \\midrule',
    ...rows.map((line) => `    ${line}`),
    '    \\bottomrule',
    '  \\end{tabular}',
    ...notes.map((note) => `  \\par\\smallskip\\footnotesize ${note}`),
    '\\end{table}',
  ];
  return `${lines.join('\n')}\n`;
}

/** The lines of headings; a rule stands below those of several columns, and the labels of the rows beside the last. */
function latexHeadings(table: Table): string[] {
  const first = table.row_axes.length + 1;
  return headingLines(table).flatMap((line, i, { length }) => {
    if (i === length - 1) return [latexRow([...table.row_axes, ...line.map(({ text }) => text)].map(escapeLatex))];
    const places = line.map(({ text, span }) => `\\multicolumn{${span}}{c}{${escapeLatex(text)}}`);
    const ends = line.map((_, at) => line.slice(0, at + 1).reduce((sum, { span }) => sum + span, first));
    const rules = line.map(({ span }, at) => `\\cmidrule(lr){${(ends[at] ?? 0) - span}-${(ends[at] ?? 0) - 1}}`);
    return [latexRow([...table.row_axes.map(() => ''), ...places]), rules.join(' ')];
  });
}

function latexRow(places: readonly string[]): string {
  return `${places.join(' & ')} \\\\`;
}

function latexEntry(entry: TableEntry | null, table: Table): string {
  const ours = oursText(entry).replace(gap, '--').replace(' ± ', ' $\\pm$ ').replace(' *', '$^{*}$');
  const marks = entry === null || entry.marks.length === 0 ? '' : `\\textsuperscript{${entry.marks.join(',')}}`;
  return `${entry?.best ? `\\textbf{${ours}}` : ours}${marks} ${paperText(entry, table)}`.trim();
}

const latexNames: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '→': '$\\rightarrow$',
  '≤': '$\\le$',
  '≥': '$\\ge$',
  '±': '$\\pm$',
  '×': '$\\times$',
  '·': '$\\cdot$',
  '–': '--',
  '<': '$<$',
  '>': '$>$',
};

/** `text` so that LaTeX prints it as it is. */
export function escapeLatex(text: string): string {
  return text.replace(/[\\~^→≤≥±×·–<>]|[&%$#_{}]/gu, (sign) => latexNames[sign] ?? `\\${sign}`);
}
