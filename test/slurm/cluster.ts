// A real Slurm on this machine, in a folder of its own: a controller and two nodes, each a daemon; nothing is left of it afterwards.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const programs = ['slurmctld', 'slurmd', 'munged', 'sbatch', 'squeue', 'scontrol', 'sinfo'];
const nodes = ['one', 'two'] as const;
export type NodeName = (typeof nodes)[number];

/** Why there is no cluster here; undefined where one can be started. */
export function missingForSlurm(): string | undefined {
  if (process.env.LAMINA_SLURM === undefined) return 'LAMINA_SLURM is not set; it takes minutes';
  const missing = programs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
  if (missing.length > 0) return `there is no ${missing.join(', ')} (Debian: slurm-wlm and munge)`;
  return process.getuid?.() === 0 ? undefined : 'the daemons of a cluster in a folder need root';
}

export interface Cluster {
  folder: string;
  env: NodeJS.ProcessEnv;
  /** Calls one of Slurm's programs. */
  slurm(program: string, ...words: string[]): string;
  startController(): Promise<void>;
  startNode(name: NodeName): Promise<void>;
  /** Ends a daemon as a crash does. */
  kill(name: 'controller' | NodeName): void;
  stop(): Promise<void>;
}

/** Starts one; jobs run at once where there is room: two cores on each node. */
export async function startCluster(): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-slurm-'));
  const host = hostname().split('.')[0] as string;
  for (const name of ['state', 'log', 'spool-one', 'spool-two']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'munge.key'), randomBytes(1024), { mode: 0o400 });
  execFileSync('chmod', ['755', folder]);
  const port = 20_000 + 4 * (process.pid % 5000);
  writeFileSync(join(folder, 'slurm.conf'), configuration(folder, host, port));
  const env: NodeJS.ProcessEnv = { ...process.env, SLURM_CONF: join(folder, 'slurm.conf') };
  const daemons = new Map<string, ChildProcess>();
  const start = (name: string, program: string, ...words: string[]) => {
    daemons.set(name, spawn(program, words, { env, stdio: 'ignore', detached: true }));
  };
  const kill = (name: string) => {
    daemons.get(name)?.kill('SIGKILL');
    daemons.delete(name);
  };
  const slurm: Cluster['slurm'] = (program, ...words) => {
    const { stdout, stderr } = spawnSync(program, words, { env, encoding: 'utf8' });
    return stdout + stderr;
  };
  const cluster: Cluster = {
    folder,
    env,
    slurm,
    kill,
    async startController() {
      start('controller', 'slurmctld', '-D');
      while (!slurm('scontrol', 'ping').includes('is UP')) await sleep(50);
    },
    async startNode(name) {
      start(name, 'slurmd', '-D', '-N', name);
      while (!/idle|mixed|alloc/.test(slurm('sinfo', '--noheader', '-n', name, '-o', '%T'))) await sleep(50);
    },
    async stop() {
      const steps = readPids(folder);
      for (const name of [...daemons.keys()].reverse()) kill(name);
      for (const pid of steps) if (isOurs(pid, folder)) process.kill(pid, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
    },
  };
  const at = (name: string) => `--${name}-file=${join(folder, name === 'log' ? 'munged.log' : `munge.${name}`)}`;
  start(
    'munged',
    'munged',
    '--foreground',
    '--force',
    `--socket=${join(folder, 'munge.socket')}`,
    ...['key', 'pid', 'log', 'seed'].map(at),
  );
  while (!existsSync(join(folder, 'munge.socket'))) await sleep(20);
  await cluster.startController();
  for (const name of nodes) await cluster.startNode(name);
  return cluster;
}

/** The daemons of job steps, which outlive a killed slurmd. */
function readPids(folder: string): number[] {
  const { stdout } = spawnSync('pgrep', ['-f', 'slurmstepd'], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0 && isOurs(pid, folder));
}

function isOurs(pid: number, folder: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder);
  } catch {
    return false;
  }
}

function configuration(folder: string, host: string, port: number): string {
  const node = (name: string, i: number) =>
    `NodeName=${name} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${port + 1 + i} CPUs=2 RealMemory=4000 State=UNKNOWN`;
  return `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool-%n
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd-%n.pid
SlurmctldLogFile=${folder}/log/slurmctld.log
SlurmdLogFile=${folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=256
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
ReturnToService=2
SlurmdTimeout=10
MpiDefault=none
SwitchType=switch/none
MailProg=/bin/true
KillWait=3
MaxArraySize=4
${nodes.map(node).join('\n')}
PartitionName=debug Nodes=one,two Default=YES MaxTime=INFINITE State=UP
`;
}
