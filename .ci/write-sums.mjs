// Writes SHA256SUMS anew into the folders of outcomes that are named, after their files were changed on purpose: a merge, a rename.
import { writeFileSync } from 'node:fs';
import { sumsName, sumsOf } from '../dist/cli/result/outcome-folder.js';

for (const folder of process.argv.slice(2)) writeFileSync(`${folder}/${sumsName}`, sumsOf(folder));
