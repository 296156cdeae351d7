import type { ManifestMount } from '../schema.js';
import type { Rule } from './context.js';

/** The file whose blocks keep mounts over a reboot; each block is named by its mount point. */
export const FSTAB = '/etc/fstab';

/** Every mount has its line in /etc/fstab, and the line says the same as the mount. */
export const mountRules: Rule = (context) => {
  const blocks = context.manifest.blocks?.[FSTAB] ?? {};
  const broken = context.declares('blocks', FSTAB) && context.manifest.blocks?.[FSTAB] === undefined;
  if (broken) return;
  for (const [point, mount] of Object.entries(context.manifest.mounts ?? {})) {
    const text = blocks[point];
    if (text === undefined) {
      context.report('mounts', point, {
        code: 'manifest.mount.no-fstab',
        got: `${FSTAB} has no block ${JSON.stringify(point)}`,
        fix: `Add blocks[${JSON.stringify(FSTAB)}][${JSON.stringify(point)}] with the mount's line`,
      });
      continue;
    }
    const wrong = firstDifference(point, mount, text);
    if (wrong === undefined) continue;
    context.report('mounts', point, {
      code: 'manifest.mount.fstab-differs',
      got: `its block in ${FSTAB} ${wrong}`,
      fix: 'Make the line and the mount say the same',
    });
  }
};

function firstDifference(point: string, mount: ManifestMount, text: string): string | undefined {
  const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
  if (lines.length !== 1) return `has ${lines.length} entries instead of one`;
  const found = (lines[0] ?? '')
    .trim()
    .split(/[ \t]+/)
    .map(decode);
  const wanted = [mount.source, point, mount.type, mount.options.join(',')];
  const names = ['source', 'mount point', 'type', 'options'];
  const index = wanted.findIndex((field, position) => found[position] !== field);
  if (index === -1) return undefined;
  return `has the ${names[index] ?? ''} ${JSON.stringify(found[index] ?? '')} where the mount has ${JSON.stringify(wanted[index])}`;
}

/** fstab(5): white space inside a field is written in octal, `\040` for a space. */
function decode(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
