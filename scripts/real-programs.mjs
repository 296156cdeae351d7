/**
 * The real programs that `npm run check:long terraform` runs: Terraform from PATH, the others from paths in the environment. Nothing is
 * downloaded or built.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { basename, join } from 'node:path';

/** Variable → what it names. A provider's version stands in its file's name, as Terraform wants it. */
const GIVEN = {
  tofu: { variable: 'CITADEL_TOFU', what: 'OpenTofu', version: (path) => productVersion(path) },
  null: { variable: 'CITADEL_PROVIDER_NULL', what: 'hashicorp/null', version: fileVersion },
  local: { variable: 'CITADEL_PROVIDER_LOCAL', what: 'hashicorp/local', version: fileVersion },
  s3: {
    variable: 'CITADEL_S3_SERVER',
    what: 'an S3 server (versitygw, or moto_server of PyPI’s moto)',
    // A versitygw that Go built from its module knows no number.
    version: (path) => said(path, '--version') ?? 'of a version that it does not say',
  },
  postgres: {
    variable: 'CITADEL_POSTGRES',
    what: 'Postgres (the folder with initdb)',
    program: 'postgres',
    version: (path) => said(path, '--version'),
  },
};

function said(path, ...words) {
  const { stdout, stderr } = spawnSync(path, words, { encoding: 'utf8', timeout: 60_000 });
  return /\d+(\.\d+)+/.exec(`${stdout}${stderr}`)?.[0];
}

function productVersion(path) {
  const { stdout, status } = spawnSync(path, ['version', '-json'], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, CHECKPOINT_DISABLE: '1' },
  });
  return status === 0 ? JSON.parse(stdout).terraform_version : undefined;
}

function fileVersion(path) {
  return /^terraform-provider-[a-z]+_v(\d+\.\d+\.\d+)/.exec(basename(path))?.[1];
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function realPrograms(environment) {
  const found = {};
  const missing = [];
  const terraform = productVersion('terraform');
  if (terraform === undefined) missing.push('Terraform: it is not on PATH');
  else found.terraform = { path: 'terraform', version: `Terraform ${terraform}` };
  for (const [name, { variable, what, program, version }] of Object.entries(GIVEN)) {
    const given = environment[variable];
    const path = given && program ? join(given, program) : given;
    if (!path) missing.push(`${what}: ${variable} is not set`);
    else if (!isProgram(path)) missing.push(`${what}: ${variable} names ${path}, which is no program`);
    else if (version(path) === undefined) missing.push(`${what}: ${path} does not say its version`);
    else found[name] = { path, version: `${program ?? nameOf(name, path)} ${version(path)}` };
  }
  return { found, missing };
}

function nameOf(name, path) {
  return { tofu: 'OpenTofu', null: 'hashicorp/null', local: 'hashicorp/local' }[name] ?? basename(path);
}
