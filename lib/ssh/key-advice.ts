import type { SshFault } from './errors.js';

type Advice = Pick<SshFault, 'got' | 'fix' | 'about'>;

/** A public key stands for one of the agent, which does not hold it. @param socket the agent's; `undefined` or empty: there is none */
export function notInAgent(path: string, socket: string | undefined): Advice {
  const key = path.replace(/\.pub$/, '');
  return socket === undefined || socket === ''
    ? {
        got: `${path} is a public key, and there is no SSH agent (SSH_AUTH_SOCK is not set) that could hold the private one`,
        fix: 'Start an agent and "ssh-add" the key, or name the private key (the file without ".pub")',
      }
    : {
        got: `${path} is a public key, and the SSH agent does not hold the private one`,
        fix: `Load it ("ssh-add ${key}"), or name the private key itself`,
      };
}

/** The key that a certificate's file belongs to, as OpenSSH names the two. */
export function keyOfCertificate(path: string): string {
  return path.replace(/-cert\.pub$/, '');
}

/** Nothing useful answers at the agent's socket. */
export function unusableAgent(socket: string, why: string): Advice {
  return {
    got: `the SSH agent at ${socket} (SSH_AUTH_SOCK) cannot be used (${why})`,
    fix: 'Start the agent again and "ssh-add" a key, or name a private key file as identityFile',
  };
}

/** Why an agent may not sign. */
export const AGENT_ASKS =
  'It asks a person first (ssh-add -c), wants a touch, or is locked: answer it, and run it again';

/** The host lets the account prove itself by other means only. @param methods those that it takes */
export function noKeys(user: string, methods: string): Advice {
  return {
    got: `the host takes no keys from user "${user}", only ${methods}`,
    fix: 'Allow keys for the account in its sshd_config (PubkeyAuthentication, AuthenticationMethods); a password can be given on a terminal, with "client: system"',
    about: ['user'],
  };
}

/** What may be wrong where a host does not take a key. */
export function addKey(user: string): string {
  const root = user === 'root' ? 'PermitRootLogin in its sshd_config must be prohibit-password or yes; ' : '';
  return (
    `Add the public key to ~${user}/.ssh/authorized_keys on the host, or correct user and identityFile; ${root}` +
    'what stands before the key there (from=, expiry-time=), AllowUsers, DenyUsers and the account itself (locked, expired) can be the reason too, and only the host\'s log ("journalctl -u ssh") tells'
  );
}
