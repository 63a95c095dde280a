// `lamina ui`: a page on this machine over the project's store and results; it runs until it is stopped.
import type { Server } from 'node:http';
import { openStore } from '../../store/open-store.ts';
import { uiServer } from '../../ui/server/server.ts';
import { hasCode, UserError } from '../../util/errors.ts';
import { statusAt } from '../../util/file-status.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { StoreFlags } from '../common/flags.ts';
import { sayLocalAlone } from '../common/remote.ts';
import { saying } from '../common/saying.ts';
import { listenForStop } from '../common/stop-signals.ts';
import { factsOf } from '../ui/facts.ts';

export interface UiFlags extends StoreFlags {
  port?: number;
}

const host = '127.0.0.1';
const usualPort = 7317;
/** Where no port was asked for, so many are tried. */
const tries = 20;

/** Serves the page until Ctrl-C. Exit code 0 when it was stopped so; throws UserError for a port that cannot be had. */
export async function ui(_: [], flags: UiFlags, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  const store = await openStore(flags.store, { mode: 'read', say: saying(context) });
  const facts = factsOf(store, flags.store, context);
  const nothing = () => {};
  const stop = listenForStop(nothing, nothing);
  const { server, close } = uiServer(facts, (error) => {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    err.write(`${err.paint.bad('this is a bug in lamina')}; please report it with the lines below\n${stack}\n`);
  });
  try {
    const port = await listen(server, flags.port);
    const url = `http://${host}:${port}/`;
    if (flags.json) out.write(`${JSON.stringify({ url, port, store: store.folder })}\n`);
    else out.write(`${url}\n`);
    if (statusAt(store.folder) === undefined)
      err.write(`${err.paint.faint(`there is no store '${flags.store}' yet: the page fills when a run begins`)}\n`);
    sayLocalAlone(context, "is not on the page until 'lamina pull' and 'lamina run' bring it here");
    err.write(`${err.paint.faint('this machine alone can open it; Ctrl-C ends it')}\n`);
    await stopped(stop.signal);
    return exitCodes.done;
  } finally {
    stop.dispose();
    await close();
    facts.close();
    store.close();
  }
}

/** The port that it listens on: the one that was asked for, or the first that is free. */
async function listen(server: Server, wanted: number | undefined): Promise<number> {
  const last = wanted ?? usualPort + tries - 1;
  for (let port = wanted ?? usualPort; ; port++) {
    try {
      return await listenOn(server, port);
    } catch (error) {
      if (hasCode(error, 'EACCES'))
        throw new UserError(`port ${port} may not be used by you: choose another with --port`);
      if (!hasCode(error, 'EADDRINUSE')) throw error;
      if (port >= last) {
        const which = wanted === undefined ? `the ports from ${usualPort} to ${last} are` : `port ${port} is`;
        throw new UserError(`${which} in use: choose another with --port, or 0 for any`);
      }
    }
  }
}

function listenOn(server: Server, port: number): Promise<number> {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      const address = server.address();
      done(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done());
  });
}
