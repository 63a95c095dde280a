// Which backends are asked about.
import type { BackendChoice } from '../../model/probe/findings.ts';
import type { Installable } from '../../tensor/backend/installed-folder.ts';
import { UserError } from '../../util/errors.ts';
import type { RemoteFlags } from '../common/remote.ts';

/** What may be asked for; `wait` is in seconds. */
export interface DoctorFlags extends RemoteFlags {
  backend?: BackendChoice['backend'];
  provider?: NonNullable<BackendChoice['provider']>;
  install?: Installable;
  gpu?: boolean;
  wait: number;
  store: string;
  json?: boolean;
}

/** What lamina computes on where nothing else is asked for comes first. */
const all: readonly BackendChoice[] = [
  { backend: 'onnx', provider: 'cpu' },
  { backend: 'onnx', provider: 'webgpu' },
  { backend: 'onnx', provider: 'cuda' },
  { backend: 'tensorflow', provider: null },
  { backend: 'cpu', provider: null },
];

/** What can be computed on where something was installed. */
const installable: Readonly<Record<Installable, BackendChoice>> = {
  tensorflow: { backend: 'tensorflow', provider: null },
  cuda: { backend: 'onnx', provider: 'cuda' },
};

/** The one that the flags name, as `run` would take them, or all. The first one decides the exit code. */
export function choicesFor({
  backend,
  provider,
  install,
}: Pick<DoctorFlags, 'backend' | 'provider' | 'install'>): readonly BackendChoice[] {
  if (install !== undefined) {
    if (backend === undefined && provider === undefined) return [installable[install]];
    throw new UserError('--install asks about what it installs; leave --backend and --provider out');
  }
  if (backend === undefined && provider === undefined) return all;
  if (backend === undefined || backend === 'onnx') return [{ backend: 'onnx', provider: provider ?? 'cpu' }];
  if (provider === undefined) return [{ backend, provider: null }];
  throw new UserError(`--provider is of the backend 'onnx', got --backend ${backend}; leave one of the two out`);
}

/** `onnx on webgpu`, `tensorflow`. */
export function nameOf({ backend, provider }: BackendChoice): string {
  return provider === null ? backend : `${backend} on ${provider}`;
}
