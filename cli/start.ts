#!/usr/bin/env node
// What npm installs as `lamina`: where Node keeps compiled code from one start to the next (22.1 and newer), it is asked to; then the program.
import module from 'node:module';
import { tmpdir } from 'node:os';
import { compileCacheFolder } from './common/compile-cache.ts';

const { enableCompileCache } = module as { enableCompileCache?(folder?: string): unknown };
// without numbers for users the system gives each a folder for temporary files of its own
const user = process.getuid?.();
if (enableCompileCache !== undefined) {
  const folder = user === undefined ? undefined : compileCacheFolder(tmpdir(), user);
  if (user === undefined || folder !== undefined) enableCompileCache(folder);
}
await import('./main.ts');
