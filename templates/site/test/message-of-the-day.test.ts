import { manifestOf } from 'citadel-iac/testing';
import { expect, it } from 'vitest';
import { MessageOfTheDay } from '../lib/message-of-the-day.js';

it('writes /etc/motd, for all to read', () => {
  const manifest = manifestOf((host) => new MessageOfTheDay(host, 'message', { text: 'Hello.' }));
  expect(manifest.files?.['/etc/motd']).toMatchObject({ content: 'Hello.\n', owner: 'root', mode: '0644' });
});
