#!/usr/bin/env node
// What npm installs as `lamina`: where Node keeps compiled code from one start to the next (22.1 and newer), it is asked to; then the program.
import module from 'node:module';

(module as { enableCompileCache?(): unknown }).enableCompileCache?.();
await import('./main.ts');
