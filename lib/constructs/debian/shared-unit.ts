import type { Host } from '../host/host.js';
import { PackageUnit, type PackageUnitProps } from '../host/package-unit.js';
import { AptPackage } from '../host/package.js';

/**
 * The one declaration of a package's unit that several constructs of a host add to: the one that the stack made before, or
 * a new one below the host. A stack that declares the unit after that gets a problem that names both.
 */
export function sharedUnit(host: Host, props: PackageUnitProps): PackageUnit {
  const before = host.node
    .findAll()
    .find((each): each is PackageUnit => each instanceof PackageUnit && each.unitName === props.name);
  return before ?? new PackageUnit(host, `shared ${props.name}`, props);
}

/** A package that a construct needs; the same as any other construct of the host asks for. */
export function sharedPackage(host: Host, name: string): AptPackage {
  const before = host.node
    .findAll()
    .find((each): each is AptPackage => each instanceof AptPackage && each.packageName === name);
  return before ?? new AptPackage(host, `shared ${name}`, { name });
}
