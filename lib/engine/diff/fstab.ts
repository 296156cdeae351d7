import { findBlocks } from './block-text.js';
import { currentContent } from './blocks.js';
import type { DiffInput, DiffOutput } from './input.js';

const FSTAB = '/etc/fstab';

/**
 * A line of another's that has the mount point of one of our mounts makes a plan impossible: mount(8) and systemd take the
 * first line of a mount point, so that what is mounted would depend on the order of the file.
 */
export function foreignFstabLines(input: DiffInput, output: DiffOutput): void {
  const { mounts, origins, host } = input.desired;
  if (mounts === undefined) return;
  const content = currentContent(input, FSTAB);
  if (content === null) return;
  const blocks = findBlocks(content, new Map());
  let start = 0;
  for (const [index, line] of content.split('\n').entries()) {
    const at = start;
    start += line.length + 1;
    if (/^\s*(#|$)/.test(line) || blocks.some((block) => at >= block.start && at < block.end)) continue;
    const [source = '', point = ''] = line
      .trim()
      .split(/[ \t]+/, 2)
      .map(decode);
    const path = point.length > 1 ? point.replace(/\/+$/, '') : point;
    if (mounts[path] === undefined) continue;
    output.problems.push({
      code: 'diff.fstab-line',
      path: origins?.[`mounts/${path}`] ?? host,
      property: `mounts[${JSON.stringify(path)}]`,
      got: `${FSTAB}:${String(index + 1)} of the host mounts ${source} there already`,
      fix: `Take that line out of ${FSTAB} on the host (what is mounted stays mounted), or take the mount out of the document`,
    });
  }
}

/** fstab(5): white space inside a field is written in octal. The text has one character for each byte. */
function decode(field: string): string {
  const plain = field.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return Buffer.from(plain, 'latin1').toString('utf8');
}
