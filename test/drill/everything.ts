import { rm } from 'node:fs/promises';
import { HOST_NAMES, type HostName, type Lab } from '../lab/api.js';
import { bringIdentity, expectCode, inspect, rebuildHost, type Report } from './drill.js';
import { remember, remembered, type Remembered } from './monitoring.js';
import { KEPT_MODEL, makeOrigin } from './origin.js';
import { DrillSite, modelContents } from './site.js';
import { Stores } from './stores.js';

/** How each host came back, and from which disaster. */
export interface Disaster {
  readonly name: string;
  readonly host: HostName;
  readonly report: Report;
}

/**
 * Every host, every disk and the operator's folder are lost; what stays is the team's repository, the identity in the safe, the
 * off-site store, and the hub that models came from. Then the monitoring server once more, with a store that has forgotten a byte.
 *
 * @param folder for what stays; the caller removes it
 * @throws Error that says what did not come back
 */
export async function everything(
  lab: Lab,
  folder: string,
  say: (text: string) => void,
): Promise<readonly Disaster[]> {
  const stores = await Stores.open(lab, folder);
  try {
    const origin = await makeOrigin(lab, folder, stores);
    say('deploying both hosts from the repository, and keeping their data off-site');
    const before = await using(await DrillSite.cloned(lab, origin), async (site) => {
      await site.fetchIdentity();
      return deploy(site, stores);
    });

    say('destroying both hosts with all their disks, and the operator’s folder');
    return await using(await DrillSite.cloned(lab, origin), async (site) => {
      for (const host of HOST_NAMES) await site.destroy(host, []);
      await bringIdentity(site, 'dev-ops');
      await formatDisks(site);
      // As the kernel that came with the new machine's packages asks for it.
      await lab.host('ai-node').mustExec('touch /run/reboot-required');
      const reports: Disaster[] = [];
      for (const host of HOST_NAMES) {
        say(`rebuilding ${host} from a fresh clone`);
        reports.push({ name: 'all disks lost', host, report: await rebuildHost(site, host) });
      }
      await inspect(
        site,
        HOST_NAMES,
        reports.map(({ report }) => report),
      );
      const models = await modelContents(lab);
      if (models !== before.models)
        throw new Error(`models are not what they were:\n${models}\nand before:\n${before.models}`);
      requireModels(reports[0]?.report);
      for (const command of ['doctor', 'status']) expectCode(await site.cli(command, 'ai-node'), 0);
      await requireAnswer(lab);
      await requireData(lab, before.monitoring, 'last week, scraped, silence, grafana');

      say('destroying dev-ops once more, and damaging its off-site store');
      await stores.damage(before.pack);
      await site.destroy('dev-ops', []);
      const partly = await rebuildHost(site, 'dev-ops', 1);
      const said = partly.lostData.map(({ what }) => what).join('\n');
      if (partly.outcome !== 'partly' || !said.includes(`the block ${before.monitoring.block}`))
        throw new Error(`the damage is not said: ${partly.outcome} ${said}`);
      await requireData(lab, before.monitoring, 'scraped, silence, grafana');
      expectCode(await site.cli('diff', 'dev-ops'), 0);
      return [...reports, { name: 'store damaged', host: 'dev-ops', report: partly }];
    });
  } finally {
    await stores.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Before {
  readonly models: string;
  readonly monitoring: Remembered;
  /** The file of the store that has the samples of last week. */
  readonly pack: string;
}

async function deploy(site: DrillSite, stores: Stores): Promise<Before> {
  const { lab } = site;
  expectCode(await site.cli('apply', ...HOST_NAMES, '--yes'), 0);
  const offsite = (host: HostName, words: string): Promise<string> =>
    lab.host(host).mustExec(`citadel-offsite ${words}`, { timeoutMs: 300_000 });
  const monitoring = await remember(lab.host('dev-ops'));
  // The block by itself first: damage to its pack is damage to nothing else.
  await offsite('dev-ops', 'restic init');
  await offsite('dev-ops', `restic backup --tag block /var/lib/prometheus/metrics2/${monitoring.block}`);
  const [pack] = [...(await stores.packs('dev-ops'))].sort(([, a], [, b]) => b - a)[0] ?? [];
  if (pack === undefined) throw new Error('the store has no pack');
  for (const host of HOST_NAMES) await offsite(host, 'backup');
  return { models: await modelContents(lab), monitoring, pack };
}

/** The refusal names a command for each new disk; it is typed as it stands, by root. */
async function formatDisks(site: DrillSite): Promise<void> {
  const host = site.lab.host('ai-node');
  await host.mustExec('wipefs --all --quiet /dev/nvme1n1p1 /dev/sda1');
  const key = await site.consoleKey('ai-node');
  const { code, stderr } = await site.cli('rebuild', 'ai-node', '--host-key', key, '--yes');
  const commands = [...stderr.matchAll(/sudo (mkfs\.ext4 -L \S+ \/dev\/\w+)/g)].map(
    ([, command]) => command ?? '',
  );
  if (code !== 1 || commands.length !== 2) throw new Error(`new disks are not refused: ${code}\n${stderr}`);
  for (const command of commands) await host.mustExec(command);
}

function requireModels(report: Report | undefined): void {
  for (const { model, how } of report?.models ?? []) {
    const expected = model === KEPT_MODEL ? /^(whole|unverified)$/ : /^fetched$/;
    if (!expected.test(how)) throw new Error(`${model}: ${how}`);
  }
  if (report?.steps.find(({ name }) => name === 'reboot')?.outcome !== 'done')
    throw new Error('the reboot that it owes was not done');
}

/** The last line of docs/gpu-node.md. */
async function requireAnswer(lab: Lab): Promise<void> {
  const request = { model: 'phi3', messages: [{ role: 'user', content: 'Say hello.' }], max_tokens: 8 };
  const url = 'http://localhost:11403/v1/chat/completions';
  const words = ['-H', 'Content-Type: application/json', '-d', JSON.stringify(request), url];
  const answer = await lab.host('ai-node').mustExec(['curl', '-sS', '-m', '60', ...words]);
  if (!answer.includes('"choices"')) throw new Error(`phi3 answers ${answer}`);
}

async function requireData(lab: Lab, what: Remembered, all: string): Promise<void> {
  const found = await remembered(lab.host('dev-ops'), what);
  if (found !== all) throw new Error(`of "${all}" came back: "${found}"`);
}

async function using<T>(site: DrillSite, work: (site: DrillSite) => Promise<T>): Promise<T> {
  try {
    return await work(site);
  } finally {
    await site.close();
  }
}
