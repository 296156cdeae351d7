import type { ManifestUnit } from '../schema.js';
import type { Rule, RuleContext } from './context.js';

/** A unit has one name that is not the engine's, is something that can run, and is told only about paths of this manifest. */
export const unitRules: Rule = (context) => {
  reserved(context);
  for (const [name, unit] of Object.entries(context.manifest.units ?? {})) {
    templates(context, name, unit);
    mountTwice(context, name);
    triggers(context, name, unit);
  }
  aliases(context);
};

const OURS = /^(?:\/etc\/systemd\/system\/)?citadel-iac-/;

/** Transactions, their dead man's switch and the recovery at boot are units as well: a document must not stand in for them. */
function reserved(context: RuleContext): void {
  for (const section of ['units', 'files', 'symlinks', 'directories', 'absentPaths'] as const) {
    for (const key of context.keys(section).filter((each) => OURS.test(each))) {
      context.report(section, key, {
        code: 'manifest.unit.reserved',
        got: `${key} is a unit of citadel-iac itself`,
        fix: 'Choose a name that does not begin with "citadel-iac-"',
      });
    }
  }
}

/** `foo@.service` is a template: only its instances (`foo@a.service`) run. */
function templates(context: RuleContext, name: string, unit: ManifestUnit): void {
  if (!/@\.[a-z]+$/.test(name) || unit.state === 'any') return;
  context.report('units', name, {
    code: 'manifest.unit.template',
    member: '.state',
    got: `${name} is a template and cannot be ${unit.state}`,
    fix: `Name an instance, such as ${name.replace('@.', '@main.')}, or set the state to "any"`,
  });
}

/** `mnt-models.mount` and the mount at `/mnt/models` are the same thing to systemd. */
function mountTwice(context: RuleContext, name: string): void {
  const path = mountPointOf(name);
  if (path === undefined || !context.declares('mounts', path)) return;
  context.report('units', name, {
    code: 'manifest.unit.twice',
    got: `${name} is the mount at ${path}, which mounts of ${context.origin('mounts', path)} names as well`,
    fix: 'Keep one of the two',
  });
}

function triggers(context: RuleContext, name: string, unit: ManifestUnit): void {
  for (const list of ['restartOn', 'reloadOn'] as const) {
    unit[list].forEach((path, index) => {
      if (
        (['files', 'blocks', 'symlinks', 'absentPaths'] as const).some((section) =>
          context.declares(section, path),
        )
      )
        return;
      context.report('units', name, {
        code: 'manifest.unit.trigger',
        member: `.${list}[${index}]`,
        got: `${path} is not a file, block or symlink of this manifest`,
        fix: 'Declare it, or take it out of the list',
      });
    });
  }
  for (const path of unit.reloadOn.filter((each) => unit.restartOn.includes(each))) {
    context.report('units', name, {
      code: 'manifest.unit.trigger-twice',
      member: '.reloadOn',
      got: `${path} stands in restartOn and in reloadOn`,
      fix: 'Keep it in one of them: a restart makes a reload needless',
    });
  }
}

/** A link in systemd's directory gives a unit a second name, or masks it. */
function aliases(context: RuleContext): void {
  for (const [path, { target }] of Object.entries(context.manifest.symlinks ?? {})) {
    const alias = /^\/(?:etc|usr\/local\/lib|usr\/lib|lib|run)\/systemd\/system\/([^/]+)$/.exec(path)?.[1];
    if (alias === undefined || !context.declares('units', alias)) continue;
    const real = target.slice(target.lastIndexOf('/') + 1);
    if (target === '/dev/null') {
      if (context.manifest.units?.[alias]?.state !== 'running') continue;
      context.report('units', alias, {
        code: 'manifest.unit.masked',
        member: '.state',
        got: `${alias} is masked by the link ${path} of ${context.origin('symlinks', path)} and cannot be running`,
        fix: 'Take the link away, or set the state to "stopped"',
      });
    } else if (real !== alias && context.declares('units', real)) {
      context.report('units', alias, {
        code: 'manifest.unit.twice',
        got: `${alias} is another name of ${real} by the link ${path}, and both stand in units`,
        fix: `Keep ${real}`,
      });
    }
  }
}

/** `mnt-citadel\x2dmodels.mount` → `/mnt/citadel-models` (systemd-escape --unescape --path). */
function mountPointOf(unit: string): string | undefined {
  const name = /^(.+)\.mount$/.exec(unit)?.[1];
  if (name === undefined || name === '-') return undefined;
  const bytes: number[] = [...Buffer.from('/')];
  for (let index = 0; index < name.length; index++) {
    const escape = /^\\x([0-9a-f]{2})/.exec(name.slice(index))?.[1];
    if (escape !== undefined) {
      bytes.push(Number.parseInt(escape, 16));
      index += 3;
    } else bytes.push(...Buffer.from(name.charAt(index) === '-' ? '/' : name.charAt(index)));
  }
  return Buffer.from(bytes).toString('utf8');
}
