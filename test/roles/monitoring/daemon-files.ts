import { join } from 'node:path';
import { RootConstruct } from 'constructs';
import { expect } from 'vitest';
import { Host } from '../../../lib/constructs/host/index.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { tool } from '../../stacks/tools.js';
import { problemTexts } from '../../constructs/host/support.js';

/** The manifest of a host "dev-ops" with what `build` declares on it. */
export function devOps(build: (host: Host) => void): HostManifest {
  const host = new Host(new RootConstruct(), 'dev-ops');
  build(host);
  return host.manifest();
}

/** Texts of all problems of such a host. */
export function devOpsProblems(build: (host: Host) => void): string[] {
  return problemTexts(() => devOps(build));
}

/** Text of a file of a manifest, which it must have. */
export function textOf(manifest: HostManifest, path: string): string {
  const file = manifest.files?.[path];
  expect(file, path).toBeDefined();
  return file?.content ?? '';
}

/** Writes files of a manifest below a folder, where `paths` begin, and changes the paths in them: a tool reads them there. */
export function moved(manifest: HostManifest, top: string): string {
  const root = scratch();
  const below = Object.entries(manifest.files ?? {}).filter(([path]) => path.startsWith(`${top}/`));
  writeTree(
    root,
    Object.fromEntries(
      below.map(([path, { content }]) => [
        path,
        (content ?? 'secret').replaceAll(`${top}/`, `${root}${top}/`),
      ]),
    ),
  );
  return join(root, top);
}

export function amtool(...args: string[]): { readonly status: number; readonly output: string } {
  return tool('amtool', args);
}

export function promtool(...args: string[]): { readonly status: number; readonly output: string } {
  return tool('promtool', args);
}
