import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import type { SecretSource, SecretSources } from '../../manifest/index.js';
import { CitadelError } from '../../manifest/index.js';
import type { SecretResolver } from './resolver.js';

/** The outside world, as far as sources of secrets need it. */
export interface SecretDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readFile(path: string): Promise<Buffer>;
  /** Runs an argument vector without a shell. Rejects when it cannot be started or takes too long. */
  run(command: readonly string[]): Promise<{ readonly exitCode: number; readonly stdout: Buffer }>;
}

/** Seconds a secret's command may take. */
const COMMAND_TIMEOUT_SEC = 60;

/**
 * Resolves secrets from environment variables, files and commands. Each is read when it is first asked for, and kept
 * for the life of the resolver. One final newline of a file or a command's output is not part of the value.
 */
export function createSecretResolver(
  sources: SecretSources,
  deps: SecretDeps = nodeSecretDeps(),
): SecretResolver {
  const known = new Map<string, Promise<Buffer>>();
  return {
    resolve(name: string): Promise<Buffer> {
      const value = known.get(name) ?? read(name, sources, deps);
      known.set(name, value);
      return value;
    },
  };
}

async function read(name: string, sources: SecretSources, deps: SecretDeps): Promise<Buffer> {
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined;
  if (source === undefined) {
    throw problem(
      'unknown',
      name,
      'has no source',
      'Name one under "secrets" of the inventory: env, file or command',
    );
  }
  const value = await readSource(name, source, deps);
  if (value.length === 0) {
    throw problem('empty', name, `is empty (${describe(source)})`, 'Give it a value');
  }
  return value;
}

async function readSource(name: string, source: SecretSource, deps: SecretDeps): Promise<Buffer> {
  if ('env' in source) {
    const value = deps.env[source.env];
    if (value !== undefined) return Buffer.from(value);
    throw problem(
      'env',
      name,
      `is not there: the ${describe(source)} is not set`,
      `Set ${source.env} and run again`,
    );
  }
  if ('file' in source) {
    const path = source.file.startsWith('~/') ? `${deps.home}${source.file.slice(1)}` : source.file;
    try {
      return withoutFinalNewline(await deps.readFile(path));
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
      throw problem(
        'file',
        name,
        `could not be read: ${describe(source)}: ${reason}`,
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
      `could not be read: ${describe(source)}: ${reason}`,
      'Run the command by hand',
    );
  }
  if (result.exitCode === 0) return withoutFinalNewline(result.stdout);
  // Its words are not repeated: a command that fails half way may have printed the value.
  const got = `could not be read: ${describe(source)} ended with status ${result.exitCode}`;
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
function describe(source: SecretSource): string {
  if ('env' in source) return `environment variable ${source.env}`;
  if ('file' in source) return `file ${source.file}`;
  return `command ${source.command[0] ?? ''}`;
}

function withoutFinalNewline(value: Buffer): Buffer {
  return value.at(-1) === 0x0a ? value.subarray(0, -1) : value;
}

function nodeSecretDeps(): SecretDeps {
  return { env: process.env, home: homedir(), readFile: (path) => readFile(path), run: runCommand };
}

function runCommand(command: readonly string[]): Promise<{ exitCode: number; stdout: Buffer }> {
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = command;
    // A password manager asks on the terminal; its own words go straight there.
    const child = spawn(program, args, {
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
      else resolve({ exitCode: code ?? 255, stdout: Buffer.concat(output) });
    });
  });
}
