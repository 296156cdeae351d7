import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { codeCacheFile, SERVER_FILE } from '../bundle-files.js';
import type * as ServerModule from './server.js';

/**
 * Loads the server's file of the bundle with the code that V8 made of it earlier. Compiling its text takes most of its
 * loading time (measured: 70 ms of 100 ms; 27 ms with the cache), in each of a Terraform command's processes. V8 refuses
 * a cache of another version or text by itself, and everything works without one.
 */
export type Server = Pick<typeof ServerModule, 'serve' | 'warm'>;

interface Loaded {
  readonly server: Server;
  readonly script: Script;
}

/** @param folder the bundle's */
export function loadServer(folder: string): Server {
  return load(folder, readIfThere(cachePath(folder))).server;
}

/** Loads and exercises the server, and keeps what was compiled for the next process. */
export async function writeCodeCache(folder: string): Promise<void> {
  const { server, script } = load(folder, undefined);
  await server.warm();
  const path = cachePath(folder);
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, script.createCachedData());
  renameSync(draft, path);
}

function load(folder: string, cachedData: Buffer | undefined): Loaded {
  const file = join(folder, SERVER_FILE);
  const text = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'utf8')}\n})`;
  const script = new Script(text, { filename: file, ...(cachedData === undefined ? {} : { cachedData }) });
  const module: { exports: unknown } = { exports: {} };
  const run = script.runInThisContext() as (...scope: readonly unknown[]) => void;
  run(module.exports, createRequire(file), module, file, dirname(file));
  return { server: module.exports as Server, script };
}

function cachePath(folder: string): string {
  return join(folder, codeCacheFile(process.version, process.arch));
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
