import { waitFor, type LabHost } from '../../lab/api.js';
import type { Situation } from './guide-line.js';

/** How a host is brought into a situation, and back to what it was. */
export interface Arranged {
  readonly enter: (host: LabHost) => Promise<void>;
  readonly leave: (host: LabHost) => Promise<void>;
}

const MIXTRAL = '/mnt/citadel-models/active/Mixtral-8x7B-Instruct-v0.1';
const HOT = '/run/citadel-lab/nvidia-smi.json';
const ALERTS = '/opt/citadel/logs/monitoring/alerts.json';
const asAgent = { user: 'agent0', timeoutMs: 180_000 } as const;

export const SITUATIONS: Readonly<Record<Situation, Arranged>> = {
  'models are stopped': {
    enter: async (host) => {
      await host.mustExec('citadel stop models', asAgent);
    },
    leave: async (host) => {
      await host.mustExec('citadel start models', asAgent);
    },
  },
  'disks are not mounted': {
    enter: async (host) => {
      await host.mustExec('citadel stop models', asAgent);
      await host.mustExec('umount /mnt/citadel-models /mnt/citadel-backup');
    },
    leave: async (host) => {
      await host.mustExec('mount /mnt/citadel-models; mount /mnt/citadel-backup; citadel start models', {
        timeoutMs: 180_000,
      });
    },
  },
  'mixtral was backed up, then damaged': {
    enter: async (host) => {
      await host.mustExec('/opt/citadel/scripts/backup_models.py --type daily --model mixtral', asAgent);
      await host.mustExec(`rm ${MIXTRAL}/config.json && echo damaged >${MIXTRAL}/tokenizer.json`);
    },
    leave: () => Promise.resolve(),
  },
  'the monitor has raised an alert': {
    enter: async (host) => {
      await host.mustExec(`mkdir -p /run/citadel-lab && echo '{"temperature": 95}' >${HOT}`);
      await waitFor('an alert', 240_000, async () =>
        (await host.exec(['grep', '-q', 'severity', ALERTS])).code === 0 ? true : undefined,
      );
    },
    leave: async (host) => {
      await host.mustExec(['rm', '-f', HOT]);
    },
  },
};
