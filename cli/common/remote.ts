// The store that is shared with others, behind the local one: its flags, and how it is opened.
import { type Command, Option } from 'commander';
import { openStore } from '../../store/open-store.ts';
import type { SharedStore } from '../../store/remote/shared-store.ts';
import type { LocalStore, Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from './context.ts';
import { saying } from './saying.ts';

export interface RemoteFlags {
  /** The address; false with --no-remote, whatever the environment says. */
  remote?: string | false;
  remoteReadOnly?: boolean;
  remoteRequired?: boolean;
}

const variable = 'LAMINA_REMOTE';

/** Adds `--remote` and `--no-remote`, and with `writes` the flags of what may be written there. */
export function addRemoteFlags(command: Command, writes = false): Command {
  command
    .addOption(
      new Option(
        '--remote <url>',
        'a store shared with others, behind the local one: file:///FOLDER or s3://BUCKET/PREFIX?endpoint=URL&region=NAME',
      ).env(variable),
    )
    .addOption(new Option('--no-remote', `leave the shared store out, whatever ${variable} says`))
    .addOption(
      new Option('--remote-required', 'stop when the shared store fails, instead of going on with the local one').env(
        'LAMINA_REMOTE_REQUIRED',
      ),
    );
  if (!writes) return command;
  return command.addOption(
    new Option('--remote-read-only', 'take results from the shared store and write nothing there').env(
      'LAMINA_REMOTE_READ_ONLY',
    ),
  );
}

/** The address that the flags give; undefined for none. */
export function remoteOf({ remote }: RemoteFlags): string | undefined {
  return remote || undefined;
}

/** The same where there has to be one. Throws UserError. */
export function neededRemote(flags: RemoteFlags, command: string): string {
  const address = remoteOf(flags);
  if (address !== undefined) return address;
  throw new UserError(`'lamina ${command}' needs a shared store: name one with --remote, or in ${variable}`);
}

/** Puts the shared store behind a local one, where there is one. Throws UserError for an address or settings that cannot be right. */
export async function sharedBehind(
  local: LocalStore,
  flags: RemoteFlags,
  say: (sentence: string) => void,
  signal: AbortSignal,
): Promise<SharedStore | undefined> {
  const address = remoteOf(flags);
  if (address === undefined) return undefined;
  const { openShared } = await import('../../store/remote/open-shared.ts');
  const { remoteReadOnly: readOnly, remoteRequired: required } = flags;
  return openShared(local, address, { readOnly, required, say, signal });
}

/** The stores of a command that only looks: nothing is changed in either. */
export async function openToLook(place: string, flags: RemoteFlags, context: Context): Promise<Store> {
  const say = saying(context);
  const local = await openStore(place, { mode: 'read', say });
  return (await sharedBehind(local, flags, say, new AbortController().signal)) ?? local;
}

/** The stores of a command that reads artifacts: with a shared store they are fetched into the local one, which is made where it is not there. */
export async function openToFetch(place: string, flags: RemoteFlags, context: Context): Promise<Store> {
  if (remoteOf(flags) === undefined) return openToLook(place, flags, context);
  const say = saying(context);
  const local = await openStore(place, { mode: 'write', say });
  const shared = await sharedBehind(local, { ...flags, remoteReadOnly: true }, say, new AbortController().signal);
  return shared ?? local;
}

/** Says that a command knows the local store alone, and what that means for the shared one, where somebody might think otherwise. */
export function sayLocalAlone({ terminal: { err } }: Context, meaning = 'stays as it is'): void {
  const address = process.env[variable];
  if (address) err.write(`${err.paint.faint(`the local store alone: what is in '${address}' ${meaning}`)}\n`);
}
