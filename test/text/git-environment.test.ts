import { expect, it } from 'vitest';
import { gitEnvironment } from '../../lib/text/git-environment.js';

it('gives git what finds it and its settings, and no secret of the shell', () => {
  expect(
    gitEnvironment({
      PATH: '/bin',
      HOME: '/home/ann',
      GIT_DIR: '/x/.git',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      LC_ALL: 'de_DE.UTF-8',
      GRAFANA_ADMIN_PASSWORD: 'word',
      GIT_TOKEN: 'token',
      PATHOLOGICAL: 'x',
    }),
  ).toEqual({
    PATH: '/bin',
    HOME: '/home/ann',
    GIT_DIR: '/x/.git',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
    LC_ALL: 'C',
  });
});
