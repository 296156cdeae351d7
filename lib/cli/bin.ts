#!/usr/bin/env node
/** `dist/bin.js`: what `citadel-iac` is where the package is installed. */
import { main } from './main.js';

void main();
