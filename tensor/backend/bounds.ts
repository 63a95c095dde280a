// How much the sessions of a process keep. Light: planning reads this.

/**
 * What the arenas of all sessions may hold together: 256 MiB. An arena keeps what a run of its session needed, which saves small runs a few page
 * faults; a session beyond this takes its memory from the C library, which gives to one what another has freed.
 */
export const arenaBytes = 2 ** 28;
