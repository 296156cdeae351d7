import { homedir } from 'node:os';
import { observeHost } from '../engine/observe/observe-host.js';
import { planHost } from '../engine/plan/plan-host.js';
import { manifestSecrets } from '../engine/secrets/references.js';
import { resolveSecrets, type SecretResolver } from '../engine/secrets/resolver.js';
import { createSecretResolver, nodeSecretDeps } from '../engine/secrets/sources.js';
import { openTransport, sshProblem } from '../engine/targets/index.js';
import { CitadelError, expandManifest, type SecretSources } from '../manifest/index.js';
import { type Person, scanHostKeys, SshError } from '../ssh/index.js';
import { visible } from '../text/visible.js';
import type { EnginePort, SecretValues } from './engine-port.js';
import { NotAnswered, secretAsker } from './secret-asker.js';

/** The engine with this machine's home and SSH agent; what only some commands need is loaded when they do. */
export function realEngine(env: Readonly<Record<string, string | undefined>>): EnginePort {
  const resolverOf = sharedResolver(env);
  const asker = secretAsker(process.stdin, process.stderr, () => void process.emit('SIGINT', 'SIGINT'));
  const ask = (host: string, question: string): Promise<string | undefined> =>
    asker(question).catch((error: unknown): never => {
      throw error instanceof NotAnswered ? notAnswered(host, error) : error;
    });
  return {
    open: (host, target, signal, secrets, { projectDir, pool }) =>
      openTransport(target, {
        host,
        home: homedir(),
        agentSocket: env['SSH_AUTH_SOCK'],
        person: personHere(),
        signal,
        passphrase: (path) => ask(host, `Passphrase of ${path}`),
        sudoPassword: (user) => ask(host, `Password of ${user} on ${host}, for sudo`),
        secret: (name) => resolverOf(secrets, projectDir).resolve(name),
        ...(pool !== undefined && { pool }),
        onWait: (what) => process.stderr.write(`${host}: waiting for ${visible(what)}\n`),
      }),
    plan: (transport, manifest, secrets, options) =>
      planHost(transport, manifest, resolverOf(secrets, options.projectDir), options),
    observe: (transport, host, options) => observeHost(transport, { version: 1, host }, options),
    recover: async (transport, observed) => {
      const { recoverHost } = await import('../engine/apply/recover-host.js');
      return recoverHost(transport, observed);
    },
    left: async (transport, options) => {
      const { readLeft } = await import('../engine/apply/resolve-host.js');
      return readLeft(transport, options);
    },
    accept: async (transport, host, id) => {
      const { acceptLeft } = await import('../engine/apply/resolve-host.js');
      return acceptLeft(transport, host, id);
    },
    apply: async (transport, plan, options) => {
      const { applyPlan } = await import('../engine/apply/apply-plan.js');
      const { systemDeps } = await import('../engine/system.js');
      return applyPlan(transport, plan, options, systemDeps);
    },
    pin: async (transport, generation, pinned, { deadlineSec }) => {
      const { pinGeneration } = await import('../engine/apply/pin-generation.js');
      await pinGeneration(transport, generation, pinned, deadlineSec === undefined ? {} : { deadlineSec });
    },
    history: async (transport, options) => {
      const { readHistory } = await import('../engine/observe/history.js');
      return readHistory(transport, options);
    },
    command: async (transport, request, signal) => {
      const { runCommand } = await import('../engine/run/run-command.js');
      return runCommand(transport, request, { signal });
    },
    runs: async (transport, options) => {
      const { readRuns } = await import('../engine/run/read-runs.js');
      return readRuns(transport, options);
    },
    status: async (transport, textfiles, options) => {
      const { readStatus } = await import('../engine/observe/status.js');
      return readStatus(transport, textfiles, options);
    },
    manifestOf: async (transport, generation, options) => {
      const { readManifest } = await import('../engine/observe/history.js');
      return readManifest(transport, generation, options);
    },
    secrets: (sources, { projectDir }) => valuesOf(sources, resolverOf(sources, projectDir)),
    requireSecrets: async (manifest, sources, { projectDir }) => {
      const names = manifestSecrets(expandManifest(manifest));
      await resolveSecrets(names, resolverOf(sources, projectDir));
    },
    askAlertmanager: async (transport, request, options) => {
      const { askAlertmanager } = await import('../engine/silence/ask-alertmanager.js');
      return askAlertmanager(transport, request, options);
    },
    recovery: async () => {
      const { realRecovery } = await import('./rebuild/recovery.js');
      return realRecovery(homedir());
    },
    scanHostKeys: async (...way) => {
      try {
        return await scanHostKeys(...way);
      } catch (error) {
        throw error instanceof SshError ? new CitadelError(sshProblem(error), { cause: error }) : error;
      }
    },
  };
}

function notAnswered(host: string, cause: NotAnswered): CitadelError {
  const got = `given up on request (${cause.message})`;
  const fix = 'Nothing was changed on the host; run it again';
  return new CitadelError({ code: 'ssh.aborted', path: host, got, fix }, { cause });
}

/** Who can answer the questions of the system's OpenSSH, which asks on the terminal itself. */
function personHere(): Person | undefined {
  const { stdin, stderr } = process;
  // Absent, whatever its type says, where it is a pipe or a file.
  const terminal = [stdin, stderr].every(({ isTTY }: { readonly isTTY?: boolean }) => isTTY === true);
  return terminal ? { tell: (line) => void stderr.write(`${visible(line)}\n`) } : undefined;
}

/** One resolver for all hosts of a command, so that a source which asks a person asks once. */
function sharedResolver(
  env: Readonly<Record<string, string | undefined>>,
): (sources: SecretSources, folder: string) => SecretResolver {
  const known = new WeakMap<SecretSources, SecretResolver>();
  return (sources, folder) => {
    const resolver = known.get(sources) ?? createSecretResolver(sources, nodeSecretDeps(folder, env));
    known.set(sources, resolver);
    return resolver;
  };
}

async function valuesOf(sources: SecretSources, resolver: SecretResolver): Promise<SecretValues> {
  const values: Buffer[] = [];
  const unknown: string[] = [];
  // One after the other: a source may ask a person.
  for (const name of Object.keys(sources).sort()) {
    try {
      values.push(Buffer.from(await resolver.resolve(name)));
    } catch (error) {
      if (!(error instanceof CitadelError)) throw error;
      unknown.push(name);
    }
  }
  return { values, unknown };
}
