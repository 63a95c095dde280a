// A hub and an empty cache for one test, and the settings that lead there.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HubSettings, hubSettings } from '../../hub/settings.ts';
import { type HubServer, startHub } from './hub-server.ts';

export interface HubWorld {
  hub: HubServer;
  /** HF_HUB_CACHE of the world. */
  cache: string;
  /** Settings with short pauses; `env` adds variables. */
  settings(env?: Record<string, string>): HubSettings;
  /** Makes this process's environment lead to the world, as that of a stage does. */
  enter(env?: Record<string, string>): void;
  close(): Promise<void>;
}

const names = ['HF_ENDPOINT', 'HF_HOME', 'HF_HUB_CACHE', 'HF_TOKEN', 'HF_HUB_OFFLINE'] as const;

export async function openHubWorld(): Promise<HubWorld> {
  const hub = await startHub();
  const home = mkdtempSync(join(tmpdir(), 'lamina-hub-'));
  const cache = join(home, 'hub');
  const before = Object.fromEntries(names.map((name) => [name, process.env[name]]));
  const own = { HF_ENDPOINT: hub.endpoint, HF_HOME: home };
  return {
    hub,
    cache,
    settings: (env = {}) => ({ ...hubSettings({ ...own, ...env }), retry_ms: 1, stall_ms: 600_000 }),
    enter(env = {}) {
      for (const name of names) delete process.env[name];
      Object.assign(process.env, own, env);
    },
    async close() {
      for (const name of names) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
      await hub.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
