import type { build } from 'esbuild';

export const ENTRY_POINTS: Readonly<Record<string, string>>;
export function ensureBuilt(): Promise<void>;
export function bundle(
  esbuild: typeof build,
  entryPoints: Readonly<Record<string, string>>,
  outdir: string,
): Promise<readonly string[]>;
