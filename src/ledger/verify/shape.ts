/**
 * Shapes of decoded CBOR, as type guards. A map is exact: a member too many is refused like one too few, since
 * nothing may be carried that nobody checks.
 */
export type Shape<T> = (value: unknown) => value is T;
export type Shaped<S> = S extends Shape<infer T> ? T : never;

export const isText =
  (pattern: RegExp): Shape<string> =>
  (value): value is string =>
    typeof value === 'string' && pattern.test(value);

export const isBytes =
  (length: number, most = length): Shape<Uint8Array> =>
  (value): value is Uint8Array =>
    value instanceof Uint8Array && value.length >= length && value.length <= most;

export const isInt =
  (least: number, most: number): Shape<number> =>
  (value): value is number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most;

export const isBoolean: Shape<boolean> = (value): value is boolean => typeof value === 'boolean';

export const isOneOf =
  <const T extends string | number | null>(...values: readonly T[]): Shape<T> =>
  (value): value is T =>
    (values as readonly unknown[]).includes(value);

export const isEither =
  <A, B>(a: Shape<A>, b: Shape<B>): Shape<A | B> =>
  (value): value is A | B =>
    a(value) || b(value);

export const isList =
  <T>(item: Shape<T>, least: number, most: number): Shape<T[]> =>
  (value): value is T[] =>
    Array.isArray(value) && value.length >= least && value.length <= most && value.every((one) => item(one));

export const isTuple =
  <T extends readonly unknown[]>(...items: { [K in keyof T]: Shape<T[K]> }): Shape<T> =>
  (value): value is T =>
    Array.isArray(value) && value.length === items.length && items.every((item, i) => item(value[i]));

const optionalMark = Symbol('optional');
type OptionalShape<T> = Shape<T> & { readonly [optionalMark]: true };

export const optional = <T>(shape: Shape<T>): OptionalShape<T> =>
  Object.assign((value: unknown): value is T => shape(value), { [optionalMark]: true as const });

type Members = { readonly [name: string]: Shape<unknown> };
type MapOf<M extends Members> = { [K in keyof M as M[K] extends OptionalShape<unknown> ? never : K]: Shaped<M[K]> } & {
  [K in keyof M as M[K] extends OptionalShape<unknown> ? K : never]?: Shaped<M[K]>;
};

export const isMap =
  <M extends Members>(members: M): Shape<MapOf<M>> =>
  (value): value is MapOf<M> => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array || value instanceof Map) return false;
    const object = value as { [name: string]: unknown };
    return (
      Object.keys(object).every((name) => Object.hasOwn(members, name)) &&
      Object.entries(members).every(([name, shape]) => (Object.hasOwn(object, name) ? shape(object[name]) : optionalMark in shape))
    );
  };
