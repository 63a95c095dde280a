// Times and sizes, as all of the command line writes them.
export { formatBytes, formatDuration } from '../util/amounts.ts';
