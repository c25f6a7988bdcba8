/** Accounts and templates of the specs, created by the API. */

import { expect } from '@playwright/test';

import { meshUrl } from './mesh';

export interface Account {
  email: string;
  password: string;
  alias: string;
}

let accounts = 0;

/** Create an account with a unique name. */
export async function createAccount(): Promise<Account> {
  const name = `p${process.pid}n${accounts++}`;
  const account = { email: `${name}@example.org`, password: 'correct horse battery', alias: name };
  const response = await postJson('/api/v1/users', account);
  expect(response.status).toBe(201);
  return account;
}

export async function accessToken({ email, password }: Account): Promise<string> {
  const response = await postJson('/api/v1/users/auth', { email, password });
  return ((await response.json()) as { access_token: string }).access_token;
}

/** Call the API with an access token. A string is sent as JSON, bytes as a photo. */
export async function call<T>(method: string, path: string, token: string, body?: BodyInit): Promise<T> {
  const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream';
  const headers = { authorization: `Bearer ${token}`, 'content-type': type };
  const response = await fetch(meshUrl(path), { method, headers, ...(body !== undefined && { body }) });
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
  return (await response.json()) as T;
}

/** ID of the account that owns the built-in templates. */
const BUILT_IN_OWNER = '00000000-0000-7000-8000-000000000001';

/** Return the ID of a built-in template. */
export async function builtInTemplate(name: string): Promise<string> {
  const query = new URLSearchParams({ q: name, owner_id: BUILT_IN_OWNER });
  const response = await fetch(meshUrl(`/api/v1/emojis/pages/1?${query}`));
  const { emojis } = (await response.json()) as { emojis: { id: string; name: string }[] };
  return emojis.find((emoji) => emoji.name === name)!.id;
}

/** Create a template from a built-in one, and return its ID. */
export async function createTemplate(maker: Account, name: string): Promise<string> {
  const body = { name, base_id: await builtInTemplate('Cats') };
  const response = await postJson('/api/v1/emojis', body, await accessToken(maker));
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

function postJson(path: string, body: object, token?: string): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  return fetch(meshUrl(path), { method: 'POST', headers, body: JSON.stringify(body) });
}
