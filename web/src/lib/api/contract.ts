/** Types of all calls, derived from `schema.d.ts`, which `npm run api` generates from the contract. */

import type { operations, paths } from './schema';

export type OperationName = keyof operations;
export type Method = 'get' | 'put' | 'post' | 'delete' | 'patch';

type Given<T> = [T] extends [never] ? object : T;
type ParametersOf<O> = O extends { parameters: infer P extends { query?: unknown; path?: unknown } }
  ? Given<NonNullable<P['path']>> & Given<NonNullable<P['query']>>
  : object;
type JsonOf<C> = C extends { content: { 'application/json': infer J } } ? J : never;
type BodyOf<O> = O extends { requestBody: infer B }
  ? [JsonOf<B>] extends [never]
    ? object
    : { body: JsonOf<B> }
  : object;
type ArgsOf<O> = ParametersOf<O> & BodyOf<O>;

/** Arguments of a call: the parameters of its path and its query, and `body`. */
export type Args<O extends OperationName> = ArgsOf<operations[O]>;

/** Body of a successful response. */
export type Answer<O extends OperationName> = operations[O]['responses'] extends infer R
  ? JsonOf<R[keyof R & (200 | 201 | 202)]>
  : never;

interface Request_ {
  url: string;
  method: Uppercase<Method>;
  params?: Record<string, string>;
  body?: unknown;
}

/**
 * Return a function that builds the request of a call from its arguments.
 *
 * @param method HTTP method.
 * @param path Path of the contract, with `{…}` for parameters. All other parameters go into the query.
 */
export function call<P extends keyof paths, M extends Method & keyof paths[P]>(method: M, path: P) {
  return (args: ArgsOf<paths[P][M]> | void): Request_ => {
    const { body, ...parameters } = (args ?? {}) as Record<string, unknown> & { body?: unknown };
    const url = fillPath(path, parameters);
    return {
      url,
      method: method.toUpperCase() as Uppercase<Method>,
      ...(Object.keys(parameters).length > 0 && { params: asText(parameters) }),
      ...(body !== undefined && { body }),
    };
  };
}

/** Fill the parameters of the path, and remove them from `parameters`. */
function fillPath(path: string, parameters: Record<string, unknown>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = parameters[name];
    delete parameters[name];
    return encodeURIComponent(String(value));
  });
}

function asText(parameters: Record<string, unknown>): Record<string, string> {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}
