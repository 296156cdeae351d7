import { readdirSync, readFileSync } from 'node:fs';

/**
 * For the bundler: esbuild's `define` entry that carries every `remote/*.sh` inside the bundle.
 *
 *     await build({ …, define: { ...inlineScripts() } });
 *
 * Runs from source only (tsx); what it returns is constant for a given tree: names sorted, bytes as they are.
 */
export function inlineScripts(): Record<'CITADEL_REMOTE_SCRIPTS', string> {
  const folder = new URL('./', import.meta.url);
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sh'))
    .sort();
  const texts = Object.fromEntries(names.map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]));
  return { CITADEL_REMOTE_SCRIPTS: JSON.stringify(texts) };
}
