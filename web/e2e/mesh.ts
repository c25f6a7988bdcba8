/** The real mesh, started by `igemoji up` for one run of the specs. */

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');
const BIN = join(ROOT, '.venv/bin');
const START_SECONDS = 120;

/**
 * Global setup: start the mesh, unless IGEMOJI_URL and IGEMOJI_DATA name a running one (`--rate-factor 1000`). Workers
 * read both variables.
 *
 * @returns The global teardown.
 */
export default async function startMesh(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.IGEMOJI_URL && process.env.IGEMOJI_DATA) return undefined;
  const data = mkdtempSync(join(tmpdir(), 'igemoji-web-'));
  const mesh = spawn(
    join(BIN, 'igemoji'),
    // All browsers of the specs share one address, whose rate limits are meant for one user.
    ['up', '--port', '0', '--data', data, '--rate-factor', '1000', '--workers', '1', '--verbose'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [mesh.stdout, mesh.stderr]) {
    stream.on('data', (text) => (output = (output + text).slice(-20_000)));
  }
  const exited = new Promise<void>((done) => mesh.once('exit', () => done()));

  const state = join(data, 'run', 'mesh.json');
  const deadline = Date.now() + START_SECONDS * 1000;
  while (!existsSync(state)) {
    if (mesh.exitCode !== null || Date.now() > deadline) {
      mesh.kill('SIGTERM');
      throw new Error(`The mesh did not start:\n${output}`);
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  process.env.IGEMOJI_URL = (JSON.parse(readFileSync(state, 'utf8')) as { url: string }).url;
  process.env.IGEMOJI_DATA = data;

  return async () => {
    mesh.kill('SIGTERM');
    await exited;
    rmSync(data, { recursive: true, force: true });
  };
}

/** Return the absolute URL of a path. */
export function meshUrl(path = ''): string {
  return process.env.IGEMOJI_URL! + path;
}

function auth(...args: string[]): string {
  const env = { ...process.env, DATA_DIR: resolve(process.env.IGEMOJI_DATA!) };
  return execFileSync(join(BIN, 'igemoji-auth'), args, { env, encoding: 'utf8' });
}

/** Make an account an operator, by the operator's command. */
export function makeOperator(email: string): void {
  auth('make-operator', email);
}

/** Create a link that resets a password, by the operator's command. Returns its path and fragment. */
export function createResetLink(email: string): string {
  return /\/reset-password#\S+/.exec(auth('reset-password', email))![0];
}
