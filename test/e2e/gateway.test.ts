import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, requireLab, waitFor, type LabHost } from '../lab/api.js';
import { GATEWAY_ALERTS } from '../../lib/roles/gateway/alerts.js';
import type { Heard } from './gateway-client.js';
import { DOORS, FLEET, GatewayFleet, KEYS, MODEL, MODEL_PORT, NODES, SHARED } from './gateway-fleet.js';
import { mainPid } from './harness.js';

const UNIT = 'citadel-gateway.service';
const gate = requireLab();

/** People at a gateway, in a process of their own on the operator's side. */
class People {
  answered = 0;
  #heard: Heard | undefined;
  readonly #ended: Promise<unknown>;

  constructor(private readonly child: ChildProcess) {
    this.#ended = once(child, 'exit');
    let rest = '';
    child.stdout?.on('data', (piece: Buffer) => {
      const lines = (rest + piece.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#hear(line);
    });
  }

  #hear(line: string): void {
    if (line.startsWith('{')) this.#heard = JSON.parse(line) as Heard;
    else this.answered = Number(line.replace('answered ', ''));
  }

  /** Until they have had so many answers more. */
  async more(count: number): Promise<void> {
    const wanted = this.answered + count;
    await waitFor(`${wanted} answers`, 300_000, () => {
      if (this.child.exitCode !== null) throw new Error(`the clients ended: ${JSON.stringify(this.#heard)}`);
      return this.answered >= wanted || undefined;
    });
  }

  async end(): Promise<Heard> {
    this.child.stdin?.end();
    await this.#ended;
    if (this.#heard === undefined) throw new Error('the clients said nothing at their end');
    return this.#heard;
  }
}

describe.skipIf(!gate.available)('two gateways before two AI nodes (skipped where there is no lab)', () => {
  const lab = Lab.named(`${gate.available ? gate.lab.name : 'none'}-g`);
  const doors = DOORS.map((name) => lab.host(name));
  const nodes = NODES.map((name) => lab.host(name));
  let fleet: GatewayFleet;

  const ask = async (key: string, address: string, path = '/v1/models'): Promise<string> => {
    const url = `http://${address}:${MODEL_PORT}${path}`;
    const header = key === '' ? [] : ['-H', `Authorization: Bearer ${key}`];
    return lab.operator.mustExec([
      'curl', '-s', '-m', '20', '-o', '/dev/null', '-w', '%{http_code}', ...header, url,
    ]); // prettier-ignore
  };
  const people = (address: string, retry: readonly string[] = []): People =>
    new People(
      lab.operator.spawn(
        [
          'node', '--import', 'tsx', 'test/e2e/gateway-client.ts',
          `http://${address}:${MODEL_PORT}`, KEYS.chat, '6', ...retry,
        ], // prettier-ignore
        { stdio: ['pipe', 'pipe', 'inherit'] },
      ),
    );
  const holders = async (): Promise<LabHost[]> => {
    const held = await Promise.all(
      doors.map((door) => door.mustExec(['ip', '-brief', 'address', 'show', 'to', `${SHARED}/32`])),
    );
    return doors.filter((_, at) => held[at]?.trim() !== '');
  };
  /** The one gateway that has the address, once it is one other than `not`. */
  const holder = (not?: LabHost): Promise<LabHost> =>
    waitFor('one gateway to have the address', 120_000, async () => {
      const [one, ...others] = await holders();
      return others.length === 0 && one !== not ? one : undefined;
    });
  const ready = (count: number): Promise<true> =>
    waitFor(`${count} ready nodes at each gateway`, 300_000, async () => {
      const pages = await Promise.all(
        doors.map((door) => door.mustExec(`curl -s http://${door.address}:8003/metrics`)),
      );
      const line = `haproxy_backend_active_servers{proxy="${MODEL}"} ${count}\n`;
      return pages.every((page) => page.includes(line)) || undefined;
    });

  beforeAll(async () => {
    await lab.up({ hosts: FLEET });
    fleet = await GatewayFleet.open(lab);
    await fleet.apply();
    await ready(NODES.length);
  }, 1_800_000);
  afterAll(async () => {
    await fleet.close();
    await lab.down();
  }, 300_000);

  it('runs in its sandbox, with nothing failed, and has nothing to do the second time', async () => {
    for (const door of doors) {
      expect(await door.mustExec('systemctl --failed --no-legend --plain')).toBe('');
      expect(await door.mustExec(`systemctl is-active ${UNIT} keepalived.service`)).toBe('active\nactive\n');
      const open = await door.exec(`systemd-analyze security --no-pager --threshold=30 ${UNIT}`);
      expect(open.code, open.stdout).toBe(0);
      const owner = await door.mustExec('stat -c "%a %U:%G" /etc/citadel-gateway/keys/chat');
      expect(owner).toBe('640 root:citadel-gateway\n');
    }
    const diff = await fleet.cli('diff', ...DOORS);
    expect(diff.code, diff.stdout + diff.stderr).toBe(0);
  });

  it('lets in who has a key, at its own address and at the shared one, and keeps a key to its limit', async () => {
    for (const address of [...doors.map((door) => door.address), SHARED]) {
      expect(await ask('', address)).toBe('401');
      expect(await ask(KEYS.node, address)).toBe('401');
      expect(await ask(KEYS.chat, address)).toBe('200');
      expect(await ask('', address, '/health')).toBe('200');
    }
    const [door] = doors;
    const statuses = [];
    for (let count = 0; count < 5; count += 1) statuses.push(await ask(KEYS.few, door!.address));
    expect(statuses).toEqual(['200', '200', '200', '429', '429']);
    const log = await door!.mustExec(`journalctl -u ${UNIT} -o cat --no-pager`);
    expect(log).toMatch(/^model=phi3 client=192\.168\.10\.1 key=few node=ai-node(-2)? .* status=200 /m);
    expect(log).not.toContain('key-of');
  });

  it('takes another limit and another key by a reload, which no client notices', async () => {
    const before = await Promise.all(doors.map((door) => mainPid(door, UNIT)));
    const clients = people(doors[0]!.address);
    await clients.more(10);
    await fleet.declare({ requestsPerMinute: 60, fewKey: 'another-key' });
    await fleet.apply(...DOORS);
    await clients.more(10);
    expect((await clients.end()).failures).toEqual([]);
    expect(await Promise.all(doors.map((door) => mainPid(door, UNIT)))).toEqual(before);
    expect(await ask(KEYS.few, SHARED)).toBe('401');
    const statuses = [];
    for (let count = 0; count < 5; count += 1) statuses.push(await ask('another-key', SHARED));
    expect(statuses).toEqual(['200', '200', '200', '200', '200']);
  });

  it('loses no request while an apply takes the nodes one after another to another version of the model', async () => {
    const before = await Promise.all(nodes.map((node) => mainPid(node, `citadel-${MODEL}.service`)));
    const clients = people(SHARED);
    await clients.more(20);
    const began = Date.now();
    const first = clients.answered;
    await fleet.declare({ maxModelLen: 8192, requestsPerMinute: 60, fewKey: 'another-key' });
    await fleet.apply(...NODES, '--batch', '1');
    const during = clients.answered - first;
    await ready(NODES.length);
    await clients.more(20);
    const { answered, failures } = await clients.end();
    console.log(
      `${answered} answers, ${during} of them during the apply of ${(Date.now() - began) / 1000} s, ${failures.length} lost`,
    );
    expect(failures).toEqual([]);
    expect(during).toBeGreaterThan(0);
    for (const [at, node] of nodes.entries()) {
      expect(await mainPid(node, `citadel-${MODEL}.service`)).not.toBe(before[at]);
      const unit = await node.mustExec(['systemctl', 'cat', `citadel-${MODEL}.service`]);
      expect(unit).toContain('--max-model-len 8192');
    }
  });

  it('moves its address when keepalived or the proxy ends on one, and clients go on', async () => {
    const first = await holder();
    const clients = people(SHARED, ['retry']);
    await clients.more(10);
    await first.mustExec(['systemctl', 'stop', UNIT]);
    const second = await holder(first);
    await clients.more(10);
    await first.mustExec(['systemctl', 'start', UNIT]);
    await ready(NODES.length);
    // As good again, the first does not take it back: that would break connections for nothing.
    await waitFor('keepalived to see the gateway ready again', 60_000, async () => {
      const log = await first.mustExec('journalctl -u keepalived -o cat --no-pager');
      return (
        /effective priority from 50 to 100\n[^]*$/.test(log.slice(log.lastIndexOf('from 100 to 50'))) ||
        undefined
      );
    });
    expect(await holders()).toEqual([second]);
    await second.mustExec(['systemctl', 'stop', 'keepalived.service']);
    expect(await holder(second)).toBe(first);
    await clients.more(10);
    await second.mustExec(['systemctl', 'start', 'keepalived.service']);
    // Power, not manners: the cable is out before anything could be said.
    await first.kill();
    await waitFor('the other gateway to have the address', 120_000, async () => {
      const held = await second.mustExec(['ip', '-brief', 'address', 'show', 'to', `${SHARED}/32`]);
      return held.trim() !== '' || undefined;
    });
    await clients.more(10);
    const { answered, failures } = await clients.end();
    console.log(`${answered} answers over three moves of the address, ${failures.length} asked again`);
    await first.start();
    await ready(NODES.length);
    expect(await holder()).toBe(second);
  });

  it('is scraped, with each metric that its alerts ask for, and none of them fires', async () => {
    const watch = lab.host('dev-ops');
    const query = async (
      expression: string,
    ): Promise<{ metric: Record<string, string>; value: [number, string] }[]> => {
      const text = await watch.mustExec([
        'curl', '-fsS', '-m', '10', '-G', '--data-urlencode', `query=${expression}`, 'http://127.0.0.1:9090/api/v1/query',
      ]); // prettier-ignore
      return (
        JSON.parse(text) as {
          data: { result: { metric: Record<string, string>; value: [number, string] }[] };
        }
      ).data.result;
    };
    await waitFor('both gateways to be scraped', 180_000, async () => {
      const up = await query('up{job="gateway"} == 1');
      return up.length === DOORS.length || undefined;
    });
    for (const metric of [
      `haproxy_backend_active_servers{job="gateway",proxy="${MODEL}"}`,
      `haproxy_backend_current_queue{job="gateway",proxy="${MODEL}"}`,
      `haproxy_frontend_http_responses_total{job="gateway",proxy="${MODEL}",code="5xx"}`,
      `haproxy_server_status{job="gateway",proxy="${MODEL}",server="ai-node",state="UP"}`,
      `haproxy_server_status{job="gateway",proxy="gateway.address",server="${SHARED}",state="UP"}`,
    ])
      expect((await query(metric)).map(({ metric: { host } }) => host).sort(), metric).toEqual([...DOORS]);
    await waitFor('one gateway to hear itself at the address', 120_000, async () => {
      const sum = await query(
        'sum by (server) (haproxy_server_status{job="gateway",proxy="gateway.address",state="UP"})',
      );
      return (sum[0]?.metric['server'] === SHARED && sum[0].value[1] === '1') || undefined;
    });
    const firing = await query(`ALERTS{alertstate="firing",alertname=~"${GATEWAY_ALERTS.join('|')}"}`);
    expect(firing).toEqual([]);
  });
});
