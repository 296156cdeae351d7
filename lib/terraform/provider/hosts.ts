import { CitadelError, type Problem } from '../../manifest/problem.js';
import { readConfiguration, type RawHost } from './configuration.js';
import type { CtyValue } from './cty/value.js';
import type { EnginePort, HostConnection } from './engine-port.js';
import { nullAttribute } from './null-attribute.js';
import { Session } from './session.js';

/** The hosts of the provider's block, checked; `undefined` in the place of one that is not wholly known yet. */
export type Hosts = ReadonlyMap<string, HostConnection | undefined>;

/**
 * @returns `undefined` while not even the names are known
 * @throws CitadelError with every problem of every host
 */
export function hostsOf(engine: EnginePort, config: CtyValue): Hosts | undefined {
  const raw = readConfiguration(config);
  if (raw === undefined) return undefined;
  if (raw === null) throw new CitadelError(nullAttribute('provider', 'hosts', HOSTS_FIX));
  const problems: Problem[] = [];
  const hosts = new Map<string, HostConnection | undefined>();
  for (const [host, it] of raw) {
    try {
      hosts.set(host, it === undefined ? undefined : connectionOf(engine, host, it));
    } catch (error) {
      if (!(error instanceof CitadelError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new CitadelError(problems);
  return hosts;
}

function connectionOf(engine: EnginePort, host: string, raw: RawHost): HostConnection {
  return {
    host,
    ...(raw.document === undefined ? {} : { document: raw.document }),
    target: engine.parseTarget(raw.target, host),
    secrets: engine.parseSecrets(raw.secrets, host),
  };
}

/** The sessions of one process: a host has one, which connects when it is first needed, and waits for no other host. */
export class Sessions {
  private readonly open = new Map<string, Session>();

  /** @param hosts `undefined` while nothing of the block is known */
  constructor(
    private readonly engine: EnginePort | undefined,
    private readonly hosts: Hosts | undefined,
  ) {}

  static unknown(): Sessions {
    return new Sessions(undefined, undefined);
  }

  /**
   * @returns `undefined` while the way to the host is not wholly known
   * @throws CitadelError for a host that the block does not name
   */
  of(host: string): Session | undefined {
    if (this.engine === undefined || this.hosts === undefined) return undefined;
    if (!this.hosts.has(host)) throw notInBlock(host, [...this.hosts.keys()]);
    const connection = this.hosts.get(host);
    if (connection === undefined) return undefined;
    const session = this.open.get(host) ?? new Session(this.engine, connection);
    this.open.set(host, session);
    return session;
  }

  /** @throws CitadelError also while the way to the host is not wholly known */
  reached(host: string, done: 'read' | 'changed' | 'imported' | 'destroyed'): Session {
    const session = this.of(host);
    if (session !== undefined) return session;
    throw new CitadelError({
      code: 'provider.configuration.unknown',
      path: host,
      got: `The host cannot be ${done} while its provider block is not known`,
      fix: 'Give the block fixed values, or apply what they come from first',
    });
  }

  async close(): Promise<void> {
    const sessions = [...this.open.values()];
    this.open.clear();
    await Promise.all(sessions.map((session) => session.close()));
  }
}

function notInBlock(host: string, names: readonly string[]): CitadelError {
  return new CitadelError({
    code: 'provider.host.unknown',
    path: host,
    property: 'name',
    got: `is "${host}", and the provider block has no host of that name (it has ${names.join(', ') || 'none'})`,
    fix:
      `Write hosts = { "${host}" = { … } } in the provider block; to take "${host}" out of the configuration, destroy it while ` +
      'it is there, or let the state forget it with "terraform state rm"',
  });
}

const HOSTS_FIX =
  'Write hosts = { NAME = { document = "NAME.json", address = …, user = …, host_keys = … } } there';
