/**
 * What we offer a host, best first; nothing older. Names: RFC 8731, 5656, 8268, 4419 (key exchange), 8709, 5656, 8332 (host
 * keys), OpenSSH's PROTOCOL and 4344 (ciphers and MACs), RFC 6668. All of them work with Node's own crypto: the native parts
 * that `ssh2` can be built with are never needed.
 */

/** Host key algorithms; `rsa-sha2-*` both sign with a key of type `ssh-rsa`. */
export const HOST_KEY_ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const;
export type HostKeyAlgorithm = (typeof HOST_KEY_ALGORITHMS)[number];

/** The type of the key that an algorithm signs with: `ssh-rsa` for both of RSA's. */
export function keyTypeOf(algorithm: string): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;
}

/**
 * The lists for one connection.
 *
 * curve25519 goes first because it costs about a millisecond; compression is off because the receiving
 * sides have little to gain and a lot to get wrong. What comes after the seventh key exchange and the fourth cipher costs
 * more time, and is for hosts that have nothing else.
 */
export function offeredAlgorithms(hostKeys: readonly HostKeyAlgorithm[] = HOST_KEY_ALGORITHMS) {
  return {
    kex: [
      'curve25519-sha256',
      'curve25519-sha256@libssh.org',
      'ecdh-sha2-nistp256',
      'ecdh-sha2-nistp384',
      'ecdh-sha2-nistp521',
      'diffie-hellman-group16-sha512',
      'diffie-hellman-group14-sha256',
      'diffie-hellman-group18-sha512',
      'diffie-hellman-group-exchange-sha256',
    ],
    serverHostKey: [...hostKeys],
    cipher: [
      'aes128-gcm@openssh.com',
      'aes256-gcm@openssh.com',
      'aes256-ctr',
      'aes128-ctr',
      'aes192-ctr',
      'chacha20-poly1305@openssh.com',
    ],
    hmac: [
      'hmac-sha2-256-etm@openssh.com',
      'hmac-sha2-512-etm@openssh.com',
      'hmac-sha2-256',
      'hmac-sha2-512',
    ],
    compress: ['none'],
  } satisfies Record<string, string[]>;
}
