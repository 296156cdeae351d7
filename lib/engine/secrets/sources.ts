import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { AgeSource, SecretSource, SecretSources } from '../../manifest/index.js';
import { CitadelError } from '../../manifest/index.js';
import type { AgeFiles } from './age/age-files.js';
import type { AgeDeps } from './age/deps.js';
import type { SecretResolver } from './resolver.js';

/** The outside world, as far as sources of secrets need it. */
export interface SecretDeps extends AgeDeps {
  /** Runs an argument vector without a shell. Rejects when it cannot be started or takes too long. */
  run(command: readonly string[]): Promise<{ readonly exitCode: number; readonly stdout: Buffer }>;
}

/** Seconds a secret's command may take. */
const COMMAND_TIMEOUT_SEC = 60;

/**
 * Resolves secrets from environment variables, files, commands and age files. Each is read when it is first asked for,
 * and kept for the life of the resolver. One final newline of a file or a command's output is not part of the value; an
 * age file gives exactly the text that its YAML says.
 */
export function createSecretResolver(
  sources: SecretSources,
  deps: SecretDeps = nodeSecretDeps(),
): SecretResolver {
  const known = new Map<string, Promise<Buffer>>();
  let files: Promise<AgeFiles> | undefined;
  // Loaded for those who have such a source: reading YAML and elliptic curves would slow every start.
  const ageFiles = (): Promise<AgeFiles> =>
    (files ??= import('./age/age-files.js').then((age) => new age.AgeFiles(deps)));
  return {
    resolve(name: string): Promise<Buffer> {
      const value = known.get(name) ?? read(name, sources, deps, ageFiles);
      known.set(name, value);
      return value;
    },
  };
}

async function read(
  name: string,
  sources: SecretSources,
  deps: SecretDeps,
  ageFiles: () => Promise<AgeFiles>,
): Promise<Buffer> {
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined;
  if (source === undefined) {
    throw problem(
      'unknown',
      name,
      'has no source',
      'Name one under "secrets" of the inventory: env, file, command or age',
    );
  }
  const value =
    'age' in source ? await readAge(name, source, await ageFiles()) : await readSource(name, source, deps);
  if (value.length === 0) {
    throw problem('empty', name, `is empty (${describeSource(source)})`, 'Give it a value');
  }
  return value;
}

async function readAge(name: string, source: AgeSource, files: AgeFiles): Promise<Buffer> {
  const value = await files.value(name, source);
  if (value !== undefined) return value;
  const { key = name } = source;
  const alias = key === name ? '' : ` as "${key}"`;
  throw problem(
    'age',
    name,
    `is not in ${describeSource(source)}${alias}`,
    'Add it with "citadel-iac secrets edit"',
  );
}

async function readSource(
  name: string,
  source: Exclude<SecretSource, AgeSource>,
  deps: SecretDeps,
): Promise<Buffer> {
  if ('env' in source) {
    const value = deps.env[source.env];
    if (value !== undefined) return Buffer.from(value);
    throw problem(
      'env',
      name,
      `is not there: the ${describeSource(source)} is not set`,
      `Set ${source.env} and run again`,
    );
  }
  if ('file' in source) {
    const path = source.file.startsWith('~/')
      ? `${deps.home}${source.file.slice(1)}`
      : resolve(deps.folder, source.file);
    try {
      return withoutFinalNewline(await deps.readFile(path));
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
      throw problem(
        'file',
        name,
        `could not be read: ${describeSource(source)}: ${reason}`,
        'Put it there, readable for you',
      );
    }
  }
  let result: { readonly exitCode: number; readonly stdout: Buffer };
  try {
    result = await deps.run(source.command);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw problem(
      'command',
      name,
      `could not be read: ${describeSource(source)}: ${reason}`,
      'Run the command by hand',
    );
  }
  if (result.exitCode === 0) return withoutFinalNewline(result.stdout);
  // Its words are not repeated: a command that fails half way may have printed the value.
  const got = `could not be read: ${describeSource(source)} ended with status ${result.exitCode}`;
  throw problem('command', name, got, 'Run the command by hand to see why');
}

function problem(kind: string, name: string, got: string, fix: string): CitadelError {
  return new CitadelError({
    code: `secret.${kind}`,
    path: `secrets/${name}`,
    got: `Secret ${name} ${got}`,
    fix,
  });
}

/** The source without anything secret: of a command, its first word. */
export function describeSource(source: SecretSource): string {
  if ('env' in source) return `environment variable ${source.env}`;
  if ('file' in source) return `file ${source.file}`;
  if ('age' in source) return `age file ${source.age}`;
  return `command ${source.command[0] ?? ''}`;
}

function withoutFinalNewline(value: Buffer): Buffer {
  return value.at(-1) === 0x0a ? value.subarray(0, -1) : value;
}

/**
 * This machine.
 *
 * @param folder where relative paths start and commands run: the project's
 */
export function nodeSecretDeps(
  folder: string = process.cwd(),
  env: SecretDeps['env'] = process.env,
): SecretDeps {
  return {
    env,
    home: homedir(),
    folder,
    readFile: (path) => readFile(path),
    readPrivate,
    run: (command) => runCommand(command, folder),
  };
}

async function readPrivate(path: string): Promise<{ bytes: Buffer; mode: number }> {
  const handle = await open(path);
  try {
    const { mode } = await handle.stat();
    return { bytes: await handle.readFile(), mode };
  } finally {
    await handle.close();
  }
}

function runCommand(command: readonly string[], cwd: string): Promise<{ exitCode: number; stdout: Buffer }> {
  return new Promise((done, reject) => {
    const [program = '', ...args] = command;
    // A password manager asks on the terminal; its own words go straight there.
    const child = spawn(program, args, {
      cwd,
      stdio: ['inherit', 'pipe', 'inherit'],
      timeout: COMMAND_TIMEOUT_SEC * 1000,
      killSignal: 'SIGKILL',
    });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(new Error(error.code ?? 'it could not be started')),
    );
    child.on('close', (code, signal) => {
      if (signal !== null)
        reject(new Error(`it was ended by ${signal} (it may take ${COMMAND_TIMEOUT_SEC} seconds)`));
      else done({ exitCode: code ?? 255, stdout: Buffer.concat(output) });
    });
  });
}
