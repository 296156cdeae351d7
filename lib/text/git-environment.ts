const KEPT =
  /^(PATH|HOME|XDG_CONFIG_HOME|TMPDIR|SUDO_UID|GIT_(DIR|WORK_TREE|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM|TEST_ASSUME_DIFFERENT_OWNER|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)))$/;

/**
 * The environment that git is run with: where it and its settings are found, and messages that can be read here. Not the rest,
 * which may hold secrets, and which programs of the repository's settings (a file system monitor, filters) would get as well.
 */
export function gitEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const kept = Object.entries(environment).filter(([name]) => KEPT.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}
