// A table as LaTeX with the booktabs package.
import { gap, legend, oursText, paperText } from './entry-text.ts';
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
    `  \\caption{${escapeLatex([table.title, ...legend(table)].join('. '))}.}`,
    `  \\begin{tabular}{${columns}}`,
    '    \\toprule',
    ...headingRows(table).map((line) => `    ${line}`),
    '    \\midrule',
    ...rows.map((line) => `    ${line}`),
    '    \\bottomrule',
    '  \\end{tabular}',
    ...notes.map((note) => `  \\par\\smallskip\\footnotesize ${note}`),
    '\\end{table}',
  ];
  return `${lines.join('\n')}\n`;
}

/** One row of headings per column axis; neighbours with the same outer heading are joined. */
function headingRows(table: Table): string[] {
  const depth = Math.max(1, table.column_axes.length);
  return Array.from({ length: depth }, (_, level) => {
    const innermost = level === depth - 1;
    const labels = table.row_axes.map((label) => (innermost ? escapeLatex(label) : ''));
    const headings = table.columns.map((column) => column[level] ?? table.metric);
    return latexRow([...labels, ...(innermost ? headings.map(escapeLatex) : joinEqual(headings))]);
  });
}

function joinEqual(headings: readonly string[]): string[] {
  const groups: { heading: string; span: number }[] = [];
  for (const heading of headings) {
    const last = groups.at(-1);
    if (last?.heading === heading) last.span++;
    else groups.push({ heading, span: 1 });
  }
  return groups.map(({ heading, span }) => `\\multicolumn{${span}}{c}{${escapeLatex(heading)}}`);
}

function latexRow(places: readonly string[]): string {
  return `${places.join(' & ')} \\\\`;
}

function latexEntry(entry: TableEntry | null, table: Table): string {
  const ours = oursText(entry).replace(gap, '--').replace(' ± ', ' $\\pm$ ').replace(' *', '$^{*}$');
  const marks = entry === null || entry.marks.length === 0 ? '' : `\\textsuperscript{${entry.marks.join(',')}}`;
  return `${ours}${marks} ${paperText(entry, table)}`.trim();
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
