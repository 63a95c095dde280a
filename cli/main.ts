// The `lamina` program: the command line with lamina's own stages.
import { runCli } from './cli.ts';
import { laminaSetup } from './setup.ts';

process.exitCode = await runCli(process.argv.slice(2), laminaSetup());
