import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly name?: string;
  readonly env?: Record<string, string>;
}
interface Job {
  readonly permissions: Record<string, string>;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: unknown;
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<'compare' | 'comment', Job>>;
}
interface GitLabJob {
  readonly script: readonly string[];
  readonly rules: readonly { readonly if: string }[];
  readonly artifacts?: { readonly paths: readonly string[] };
}

const text = (name: string): string => readFileSync(join(PROJECT, 'docs/ci', name), 'utf8');
const github = parse(text('github-actions.yml')) as Workflow;
const gitlab = parse(text('gitlab-ci.yml')) as Record<'review' | 'review-comment', GitLabJob>;

/** A clone of the project with a base, and one line of the inventory changed in a second commit. */
let project: string;
let base: string;

const git = (...words: string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...words], {
    cwd: project,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
  }).trim();

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'citadel-review-'));
  for (const name of [
    'bin',
    'citadel.config.ts',
    'lib',
    'stacks',
    'templates',
    'rendered',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    '.gitignore',
  ])
    cpSync(join(PROJECT, name), join(project, name), { recursive: true });
  // Packages are this project's; the tool itself is the clone's own.
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  for (const name of readdirSync(join(PROJECT, 'node_modules'))) {
    if (!name.startsWith('.') && name !== 'citadel-iac-bin')
      symlinkSync(join(PROJECT, 'node_modules', name), join(modules, name));
  }
  symlinkSync('../bin', join(modules, 'citadel-iac-bin'));
  symlinkSync('../../bin/citadel-iac.mjs', join(modules, '.bin/citadel-iac'));
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-q', '-m', 'Base');
  base = git('rev-parse', 'HEAD');
  const inventory = join(project, 'stacks/inventory/citadel.yaml');
  const before = readFileSync(inventory, 'utf8');
  const after = before.replace('maxModelLen: 16384', 'maxModelLen: 8192');
  expect(after).not.toBe(before);
  writeFileSync(inventory, after);
  git('commit', '-q', '-a', '-m', 'Shorter texts for phi3');
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** Runs a step as the runner does: bash, ending at the first failure. */
function step(
  script: string,
  env: Record<string, string> = {},
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', script], {
      cwd: project,
      env: { PATH: process.env['PATH'] ?? '', HOME: project, npm_config_update_notifier: 'false', ...env },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('close', (code) => resolve({ code, output }));
  });
}

const named = (job: Job, name: string): Step => {
  const found = job.steps.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no step ${name}`);
  return found;
};

describe('the workflow for GitHub', () => {
  const { compare, comment } = github.jobs;

  it('has no more rights than it needs', () => {
    expect(github.on).toBe('pull_request');
    expect(github.permissions).toEqual({});
    expect(compare.permissions).toEqual({ contents: 'read' });
    expect(comment.permissions).toEqual({ 'pull-requests': 'write' });
    expect(text('github-actions.yml')).not.toMatch(/pull_request_target|secrets\./);
    for (const { uses } of [...compare.steps, ...comment.steps])
      if (uses !== undefined) expect(uses).toMatch(/^actions\/[a-z-]+@v\d+$/);
    // What may write runs nothing of the pull request.
    expect(comment.steps.filter(({ uses }) => uses?.includes('checkout'))).toEqual([]);
    // Values of the event reach a shell by its environment only.
    for (const { run = '' } of [...compare.steps, ...comment.steps]) expect(run).not.toContain('${{');
  });

  it('compares, and then finds what was not rendered', async () => {
    const summary = join(project, 'summary.md');
    const { code, output } = await step(named(compare, 'Compare').run ?? '', {
      BASE: base,
      GITHUB_STEP_SUMMARY: summary,
    });
    expect(code, output).toBe(0);
    const written = readFileSync(join(project, 'review/comment.md'), 'utf8');
    expect(written).toContain('-    --max-model-len 16384');
    expect(written).toContain('+    --max-model-len 8192');
    expect(written).toMatch(/restarts <code>citadel-phi3\.service<\/code> \| up to 1\d min/);
    expect(readFileSync(summary, 'utf8')).toBe(written);
    expect(readFileSync(join(project, 'review/diff.html'), 'utf8')).toContain('</html>');

    const check = named(compare, 'Is rendered/ what the code makes?').run ?? '';
    const stale = await step(check);
    expect(stale.code).toBe(1);
    expect(stale.output).toContain('different  rendered/ai-node/etc/systemd/system/citadel-phi3.service\n');
    expect((await step('npx --no-install citadel-iac render')).code).toBe(0);
    expect((await step(check)).code).toBe(0);
    git('checkout', '-q', 'rendered');
  }, 300_000);

  it('fails where nothing can be compared', async () => {
    const { code, output } = await step(named(compare, 'Compare').run ?? '', {
      BASE: 'f'.repeat(40),
      GITHUB_STEP_SUMMARY: '/dev/null',
    });
    expect(code).toBe(1);
    expect(output).toContain('is no commit, branch or tag of this repository');
  });

  it.each([
    ['writes a comment where there is none', '', 'POST repos/o/r/issues/7/comments'],
    ['writes the same one again where there is one', '41\n52\n', 'PATCH repos/o/r/issues/comments/41'],
  ])('%s', async (_what, known, expected) => {
    const tools = join(project, 'tools');
    mkdirSync(tools, { recursive: true });
    // Stands for GitHub's own tool: lists what it was given, keeps what it was asked to write.
    writeFileSync(
      join(tools, 'gh'),
      `#!/bin/sh
case "$*" in
  *--paginate*) printf '%s' "$KNOWN" ;;
  *) printf '%s %s\\n' "$4" "$5" >>calls; cp "\${7#body=@}" sent.md ;;
esac
`,
    );
    chmodSync(join(tools, 'gh'), 0o755);
    mkdirSync(join(project, 'review'), { recursive: true });
    writeFileSync(join(project, 'review/comment.md'), 'the comment\n');
    const { code, output } = await step(comment.steps.at(-1)?.run ?? '', {
      PATH: `${tools}${delimiter}${process.env['PATH'] ?? ''}`,
      KNOWN: known,
      REPOSITORY: 'o/r',
      NUMBER: '7',
      RUN: 'https://example.invalid/run',
    });
    expect(code, output).toBe(0);
    expect(readFileSync(join(project, 'calls'), 'utf8')).toBe(`${expected}\n`);
    expect(readFileSync(join(project, 'sent.md'), 'utf8')).toMatch(
      /^<!-- citadel-iac review -->\nthe comment\n\nSide by side/,
    );
    rmSync(join(project, 'calls'));
  });
});

describe('the jobs for GitLab', () => {
  it('run for merge requests only; the one that runs their code has no token', () => {
    expect(gitlab.review.rules.map((rule) => rule.if)).toEqual([
      '$CI_PIPELINE_SOURCE == "merge_request_event"',
    ]);
    expect(JSON.stringify(gitlab.review)).not.toContain('TOKEN');
    expect(gitlab.review).not.toHaveProperty('environment');
    expect(gitlab['review-comment']).toMatchObject({
      environment: { name: 'citadel-review', action: 'access' },
      variables: { GIT_STRATEGY: 'none' },
    });
  });

  it('write what the artifacts name, then find what was not rendered', async () => {
    rmSync(join(project, 'review'), { recursive: true, force: true });
    const script = gitlab.review.script.filter((line) => !line.startsWith('npm ci'));
    expect(script.length).toBe(gitlab.review.script.length - 1);
    const { code, output } = await step(script.join('\n'), { CI_MERGE_REQUEST_DIFF_BASE_SHA: base });
    expect(code).toBe(1);
    expect(output).toContain('Run "citadel-iac render" and commit the result.');
    for (const path of gitlab.review.artifacts?.paths ?? [])
      expect(readFileSync(join(project, path), 'utf8')).toContain('8192');
  });

  it('write one comment, whatever page the old one is on', async () => {
    const asked: string[] = [];
    const bodies: string[] = [];
    let notes = ['first', 'second'];
    const server = createServer((request, response) => {
      asked.push(`${request.method ?? ''} ${request.url ?? ''} ${String(request.headers['private-token'])}`);
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        if (body !== '') bodies.push((JSON.parse(body) as { body: string }).body);
        const page = Number(/[?&]page=(\d+)/.exec(request.url ?? '')?.[1] ?? 1);
        if (page < notes.length) response.setHeader('x-next-page', String(page + 1));
        response.end(JSON.stringify([{ id: page, body: notes[page - 1] }]));
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const env = {
      CI_API_V4_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      CI_MERGE_REQUEST_PROJECT_ID: '5',
      CI_MERGE_REQUEST_IID: '6',
      CI_JOB_URL: 'https://example.invalid/job',
      REVIEW_TOKEN: 'token',
    };
    const script = gitlab['review-comment'].script.join('\n');
    const first = await step(script, env);
    expect(first.code, first.output).toBe(0);
    const at = '/projects/5/merge_requests/6/notes';
    expect(asked).toEqual([
      `GET ${at}?per_page=100&page=1 token`,
      `GET ${at}?per_page=100&page=2 token`,
      `POST ${at} token`,
    ]);
    notes = ['first', bodies[0] ?? ''];
    expect((await step(script, env)).code).toBe(0);
    expect(asked.at(-1)).toBe(`PUT ${at}/2 token`);
    expect(bodies[1]).toMatch(/^<!-- citadel-iac review -->\n### What a deploy would change\n/);
    const before = asked.length;
    const without = await step(script, { ...env, REVIEW_TOKEN: '' });
    expect([without.code, without.output]).toEqual([0, 'No comment: there is no REVIEW_TOKEN.\n']);
    expect(asked.length).toBe(before);
    await new Promise((done) => server.close(done));
  });
});
