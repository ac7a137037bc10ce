/**
 * Validates values by the part of JSON Schema that the log's OpenAPI document uses.
 * @module
 */
import { isDeepStrictEqual } from 'node:util';

type Json = Readonly<Record<string, unknown>>;

/** Keywords that do not restrict which values are valid. */
const ANNOTATIONS = ['description', 'contentEncoding', 'default', 'title'];

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schema that a `$ref` names. @throws Error when it names none. */
export function resolveRef(document: Json, ref: string): Json {
  if (!ref.startsWith('#/')) throw new Error(`${ref} is outside of the document`);
  let at: unknown = document;
  for (const name of ref.slice(2).split('/')) {
    at = isObject(at) ? at[name.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  }
  if (!isObject(at)) throw new Error(`${ref} names nothing`);
  return at;
}

/** Every `$ref` in a document. */
export function refsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, field]) =>
    name === '$ref' && typeof field === 'string' ? [field] : refsIn(field),
  );
}

/**
 * The violations of a schema by a value, each with its path.
 * @throws Error for a keyword of JSON Schema that is not known here.
 */
export function faults(document: Json, schema: Json, value: unknown, at = '$'): string[] {
  return Object.entries(schema).flatMap(([word, rule]) => {
    if (ANNOTATIONS.includes(word)) return [];
    return check(document, schema, word, rule, value, at);
  });
}

function check(
  document: Json,
  schema: Json,
  word: string,
  rule: unknown,
  value: unknown,
  at: string,
): string[] {
  const fault = (bad: boolean) => (bad ? [`${at}: ${word} ${JSON.stringify(rule)}`] : []);
  const matches = (each: unknown) => faults(document, each as Json, value, at).length === 0;
  switch (word) {
    case '$ref':
      return faults(document, resolveRef(document, String(rule)), value, at);
    case 'type':
      return fault(!hasType(value, String(rule)));
    case 'const':
      return fault(!isDeepStrictEqual(value, rule));
    case 'enum':
      return fault(!(rule as unknown[]).includes(value));
    case 'oneOf':
      return fault((rule as unknown[]).filter(matches).length !== 1);
    case 'anyOf':
      return fault(!(rule as unknown[]).some(matches));
    case 'pattern':
      return fault(typeof value === 'string' && !new RegExp(String(rule), 'u').test(value));
    case 'minLength':
      return fault(typeof value === 'string' && value.length < Number(rule));
    case 'minimum':
      return fault(typeof value === 'number' && value < Number(rule));
    case 'maximum':
      return fault(typeof value === 'number' && value > Number(rule));
    case 'minItems':
      return fault(Array.isArray(value) && value.length < Number(rule));
    case 'maxItems':
      return fault(Array.isArray(value) && value.length > Number(rule));
    case 'items':
      return Array.isArray(value)
        ? value.flatMap((item, i) => faults(document, rule as Json, item, `${at}[${i}]`))
        : [];
    case 'required':
      return isObject(value) ? fault((rule as string[]).some((name) => !Object.hasOwn(value, name))) : [];
    case 'properties':
      return isObject(value)
        ? Object.entries(rule as Json).flatMap(([name, field]) =>
            Object.hasOwn(value, name) ? faults(document, field as Json, value[name], `${at}.${name}`) : [],
          )
        : [];
    case 'additionalProperties': {
      if (rule !== false) throw new Error('additionalProperties is only known as false');
      const known = Object.keys(schema['properties'] as Json);
      return isObject(value) ? fault(Object.keys(value).some((name) => !known.includes(name))) : [];
    }
    default:
      throw new Error(`the schema has ${word}, which is not known here`);
  }
}

function hasType(value: unknown, type: string): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}
