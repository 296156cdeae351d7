import { describe, expect, it } from 'vitest';
import { sshTargetSchema } from '../../lib/manifest/index.js';

describe('an SSH target', () => {
  it.each(['first.last', 'Admin', 'DOMAIN\\user', 'user@realm', 'a'.repeat(32)])(
    'takes the account %s',
    (name) => {
      expect(sshTargetSchema.shape.user.parse(name)).toBe(name);
    },
  );

  it.each(['::1', '::ffff:127.0.0.1', 'host_name', 'fe80::1%eth0'])('takes the address %s', (address) => {
    expect(sshTargetSchema.shape.address.parse(address)).toBe(address);
  });

  it.each(['-oProxyCommand=x', '-a', 'a b', "a'b", 'a\nb', ''])(
    'refuses %j as account and address',
    (word) => {
      expect(sshTargetSchema.shape.user.safeParse(word).success).toBe(false);
      expect(sshTargetSchema.shape.address.safeParse(word).success).toBe(false);
    },
  );
});
