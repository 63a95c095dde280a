// Writes what lamina's own stages are made of, as it is compiled now: from then on this is what their versions stand for.
// Where code changed and the version did not, the author has to say that the bytes of the results are the same: --same-bytes.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { stageRegistry } from '../dist/stages/registry.js';
import { sameVersion, sealFile, sealNow } from '../dist/stages/seal.js';

const before = existsSync(sealFile) ? JSON.parse(readFileSync(sealFile, 'utf8')) : undefined;
const unsaid = before === undefined ? [] : sameVersion(before, stageRegistry);
if (unsaid.length > 0 && !process.argv.includes('--same-bytes')) {
  console.error(`the code of these stages changed, and their versions did not: ${unsaid.join(', ')}`);
  console.error(
    "raise the 'version' of those that give other bytes, then say of the rest: npm run seal -- --same-bytes",
  );
  process.exit(1);
}
const seal = sealNow(stageRegistry);
writeFileSync(sealFile, `${JSON.stringify(seal, undefined, 2)}\n`);
console.log(`stages/seal.json: ${Object.keys(seal.files).length} files, ${Object.keys(seal.packages).length} packages`);
