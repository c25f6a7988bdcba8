/** The real mesh, as `igemoji up` starts it, for one run of the specs. */

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import type { TestProject } from 'vitest/node';

const ROOT = resolve(import.meta.dirname, '../..');
const BIN = join(ROOT, '.venv/bin');
const START_SECONDS = 120;

declare module 'vitest' {
  export interface ProvidedContext {
    url: string;
    data: string;
  }
}

/** With IGEMOJI_URL and IGEMOJI_DATA: a mesh that runs already, started with `--rate-factor 1000`. */
export default async function setup(project: TestProject) {
  const { IGEMOJI_URL, IGEMOJI_DATA } = process.env;
  if (IGEMOJI_URL && IGEMOJI_DATA) {
    project.provide('url', IGEMOJI_URL);
    project.provide('data', resolve(IGEMOJI_DATA));
    return undefined;
  }
  const data = mkdtempSync(join(tmpdir(), 'igemoji-web-'));
  const mesh = spawn(
    join(BIN, 'igemoji'),
    // All browsers of the specs have the same address: its limits are for one person.
    ['up', '--port', '0', '--data', data, '--rate-factor', '1000', '--workers', '1', '--verbose'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [mesh.stdout, mesh.stderr]) stream.on('data', (text) => (said = (said + text).slice(-20_000)));
  const ended = new Promise<void>((done) => mesh.once('exit', () => done()));

  const state = join(data, 'run', 'mesh.json');
  const until = Date.now() + START_SECONDS * 1000;
  while (!existsSync(state)) {
    if (mesh.exitCode !== null || Date.now() > until) {
      mesh.kill('SIGTERM');
      throw new Error(`The mesh did not start:\n${said}`);
    }
    await new Promise((again) => setTimeout(again, 100));
  }
  project.provide('url', (JSON.parse(readFileSync(state, 'utf8')) as { url: string }).url);
  project.provide('data', data);

  return async () => {
    mesh.kill('SIGTERM');
    await ended;
    rmSync(data, { recursive: true, force: true });
  };
}

/** Makes an account an operator: as a person with the machine does, by command. */
export function makeOperator(email: string, data: string): void {
  execFileSync(join(BIN, 'igemoji-auth'), ['make-operator', email], { env: { ...process.env, DATA_DIR: data } });
}

/** The link that an operator makes for somebody who forgot a password: its path and fragment. */
export function resetLink(email: string, data: string): string {
  const said = execFileSync(join(BIN, 'igemoji-auth'), ['reset-password', email], {
    env: { ...process.env, DATA_DIR: data },
    encoding: 'utf8',
  });
  return /\/reset-password#\S+/.exec(said)![0];
}
