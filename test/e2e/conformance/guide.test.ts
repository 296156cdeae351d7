import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finished, HostName } from '../../lab/api.js';
import { repository } from '../../lab/layout.js';
import { describeLab } from '../../lab/suite.js';
import { AgentShell, type Typed } from './agent-shell.js';
import { GUIDE } from './guide.js';
import type { GuideLine, Situation } from './guide-line.js';
import { SITUATIONS } from './situations.js';

/** Seconds after which an endless command is ended. */
const ENDLESS = 4;

interface Row {
  readonly section: string;
  readonly line: string;
  readonly problem: string | undefined;
  readonly note: string;
}

describeLab('the operations guide, typed as agent0 on deployed hosts', (lab) => {
  const host = lab.host('ai-node');
  const rows: Row[] = [];
  let shell: AgentShell;

  const deploy = (name: HostName): Promise<Finished> =>
    lab.operator.exec(['node', 'bin/citadel-iac.mjs', 'apply', name, '--yes'], {
      env: {
        ...(process.env as Record<string, string>),
        CITADEL_INVENTORY: join(repository, 'stacks/inventory/lab.yaml'),
        CITADEL_TARGETS: lab.layout.inventory,
      },
      timeoutMs: 600_000,
    });

  beforeAll(async () => {
    for (const name of ['ai-node', 'dev-ops'] as const) {
      await lab.host(name).reset();
      const { code, stdout, stderr } = await deploy(name);
      expect(code, `${stdout.slice(-3000)}\n${stderr.slice(-3000)}`).toBe(0);
    }
    shell = AgentShell.open(host);
  }, 1_200_000);

  afterAll(() => {
    shell?.close();
    console.log(tableOf(rows));
  });

  const typeLine = ({ type, endless, terminal, seconds = 120 }: GuideLine): Promise<Typed> => {
    if (endless === true) return shell.typeEndless(type, ENDLESS);
    return terminal === true ? shell.typeOnTerminal(type, seconds) : shell.type(type, seconds);
  };

  /** What is wrong, or nothing. An endless command has no exit status of its own. */
  const problemOf = (line: GuideLine, { code, printed }: Typed): string | undefined => {
    if (code === null) return 'did not end';
    const expected = line.endless === true || (line.statuses ?? [0]).includes(code);
    const status = expected ? undefined : `exit status ${code}`;
    const problem = status ?? line.works(printed);
    return problem === undefined ? undefined : `${problem}: ${printed.trim().slice(-300)}`;
  };

  describe.each(GUIDE)('$section', ({ section, lines }) => {
    // Lines that follow one another in one situation are typed in it, as a person would.
    let situation: Situation | undefined;
    const arrange = async (wanted: Situation | undefined): Promise<void> => {
      if (wanted === situation) return;
      if (situation !== undefined) await SITUATIONS[situation].leave(host);
      situation = wanted;
      if (wanted !== undefined) await SITUATIONS[wanted].enter(host);
    };
    afterAll(() => arrange(undefined), 300_000);

    it.each(lines)(
      '$type',
      async (line) => {
        await arrange(line.given);
        const problem = problemOf(line, await typeLine(line));
        rows.push({ section, line: line.type, problem, note: noteOf(line) });
        expect(problem).toBeUndefined();
      },
      400_000,
    );
  });

  it('works, all of it', () => {
    const all = GUIDE.flatMap(({ lines }) => lines).length;
    expect(rows.filter(({ problem }) => problem === undefined).length).toBe(all);
  });
});

function noteOf({ endless, given, double }: GuideLine): string {
  return [
    ...(endless === true ? [`ended after ${ENDLESS} s`] : []),
    ...(given === undefined ? [] : [`given that ${given}`]),
    ...(double === undefined ? [] : [`a double stands in for ${double}`]),
  ].join('; ');
}

function tableOf(rows: readonly Row[]): string {
  const works = rows.filter(({ problem }) => problem === undefined).length;
  const text = rows.map(
    ({ section, line, problem, note }) =>
      `${problem === undefined ? 'works' : 'FAILS'}  ${section.padEnd(28)} ${line.replaceAll(/\\\n\s*/g, '')}${note === '' ? '' : `  (${note})`}${problem === undefined ? '' : `\n       ${problem}`}`,
  );
  return [`${works} of ${rows.length} work`, ...text].join('\n');
}
