// Compares the outcome that a run has just written with the committed one: the same cells and verdicts, and numbers within 2 %.
// Another processor rounds sums differently, so equal bytes are asked of equal machines only.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const within = 0.02;
let failed = false;
const complain = (text) => {
  console.error(`results differ: ${text}`);
  failed = true;
};

for (const folder of process.argv.slice(2)) {
  const file = `${folder}/cells.json`;
  const now = JSON.parse(readFileSync(file, 'utf8'));
  const committed = JSON.parse(execFileSync('git', ['show', `HEAD:${file}`], { encoding: 'utf8' }));
  const before = new Map(committed.cells.map((cell) => [cell.name, cell.value]));
  if (now.cells.length !== before.size) complain(`${file}: ${now.cells.length} cells, committed ${before.size}`);
  for (const { name, value } of now.cells) {
    const known = before.get(name);
    if (!(Math.abs(value - known) <= within * Math.abs(known)))
      complain(`${file}: ${name} is ${value}, committed ${known}`);
  }
  const verdicts = (result) => result.claims.map(({ claim, holds }) => `${holds} ${claim}`).join('\n');
  if (verdicts(now) !== verdicts(committed)) complain(`${file}: other verdicts than the committed ones`);
  if (!failed) console.log(`${file}: ${now.cells.length} numbers and ${now.claims.length} verdicts as committed`);
}
process.exit(failed ? 1 : 0);
