import { spawn } from 'node:child_process';

/**
 * `promtool test rules` over many files, by two processes: file → whether all of its tests passed.
 *
 * @param directory where the files are, which is also where rule files are looked for
 */
export async function testRules(directory: string, files: readonly string[]): Promise<Map<string, boolean>> {
  const half = Math.ceil(files.length / 2);
  const parts = [files.slice(0, half), files.slice(half)].filter((part) => part.length > 0);
  const outputs = await Promise.all(parts.map((part) => runPromtool(directory, ['test', 'rules', ...part])));
  const results = new Map<string, boolean>();
  for (const output of outputs) {
    for (const [, file = '', rest = ''] of output.matchAll(
      /^Unit Testing: {2}(\S+)\n([\s\S]*?)(?=^Unit Testing: |(?![\s\S]))/gm,
    )) {
      results.set(file, /^ {2}SUCCESS$/m.test(rest));
    }
  }
  return results;
}

/** All that promtool prints. */
export function runPromtool(directory: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('promtool', args, { cwd: directory, timeout: 3_600_000 });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (output += data.toString()));
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
}
