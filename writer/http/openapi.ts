/**
 * The OpenAPI 3.1 description of the writer's HTTP interface, made from the schemas that validate requests.
 * @module
 */
import { z } from 'zod';
import type { ReadRoute } from '../../src/http/answer.js';
import { FORMS } from '../../src/requests/rekor-v2/create-entry-request.js';
import { transparencyLogEntry } from '../../src/sigstore/bundle/transparency-log-entry.js';
import { SUBMISSIONS_PATH } from './submissions.js';

/** The body of every error. */
export const problemSchema = z.strictObject({
  code: z.int().describe("gRPC's code."),
  message: z.string().describe('What is wrong, and where.'),
  details: z.array(z.unknown()).length(0),
});

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The JSON Schema of the values that a schema reads. */
function schema(type: z.ZodType, narrow?: (schema: JsonSchema) => void): JsonSchema {
  const made: JsonSchema = z.toJSONSchema(type, {
    io: 'input',
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => narrow?.(jsonSchema),
  });
  delete made.$schema;
  return made;
}

/** Narrows what protobuf's JSON may be to what Stele writes: every field, no other, and 64-bit numbers as strings. */
function asWritten(schema: JsonSchema): void {
  if (schema.properties !== undefined) {
    schema.required = Object.keys(schema.properties);
    schema.additionalProperties = false;
  }
  if (schema.pattern !== undefined) {
    schema.type = 'string';
    delete schema.anyOf;
    delete schema.default;
  }
}

/** Builds the document. */
export function openApiDocument(version: string): object {
  const json = (name: string) => ({
    'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
  });
  const problem = (description: string) => ({ description, content: json('Problem') });
  const file = (description: string) => ({
    get: {
      summary: description,
      responses: {
        200: { description, content: { 'application/octet-stream': {} } },
        206: { description: 'The range asked for, of the bytes as stored.' },
        304: { description: 'The tag asked with is still the right one.' },
        404: problem('There is no such object.'),
        416: problem('The object ends before the range.'),
      },
    },
  });
  const parameter = (name: string, description: string, pattern: string) => ({
    name,
    in: 'path',
    required: true,
    description,
    schema: { type: 'string', pattern },
  });
  const level = parameter('L', 'The tile level.', '^[0-9]{1,2}$');
  const index = parameter(
    'N',
    'The index in groups of three digits, and the width of a partial object. Its slashes are sent as they are.',
    '^(x[0-9]{3}/)*[0-9]{3}(\\.p/[0-9]{1,3})?$',
  );
  return {
    openapi: '3.1.0',
    info: {
      title: 'Stele',
      version,
      description: 'A signature transparency log on static tiles.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [],
    paths: {
      [SUBMISSIONS_PATH]: {
        post: {
          operationId: 'createEntry',
          summary:
            'Log an entry. Answered when a signed checkpoint covers it; a repeat gives the same index.',
          requestBody: { required: true, content: json('CreateEntryRequest') },
          responses: {
            201: { description: 'The entry, with its proof.', content: json('TransparencyLogEntry') },
            400: problem('The request makes no entry. Nothing was logged.'),
            408: problem('The request did not arrive in time.'),
            413: problem('The request is too large.'),
            415: problem('The request is not JSON in UTF-8, or compressed.'),
            501: problem('The request has a transfer coding beside chunked.'),
            503: {
              ...problem('Busy, or not published in time: try again.'),
              headers: { 'Retry-After': { schema: { type: 'integer' } } },
            },
          },
        },
      },
      '/checkpoint': file('The signed checkpoint.'),
      '/tile/{L}/{N}': { parameters: [level, index], ...file('A hash tile.') },
      '/tile/entries/{N}': { parameters: [index], ...file('An entry bundle, gzip.') },
      '/tile/times/{N}': { parameters: [index], ...file('When the entries of a bundle were sequenced.') },
      '/trusted_root.json': file("What Sigstore's verifiers need."),
      '/signing_config.json': file("What Sigstore's signers need."),
      '/healthz': {
        get: {
          summary: 'Whether the log works, as its readers see it.',
          responses: {
            200: { description: 'It does.' },
            503: { description: 'It does not; the answer says why.' },
          },
        },
      },
    },
    components: {
      schemas: {
        CreateEntryRequest: {
          oneOf: Array.from(FORMS.keys(), (field) => ({
            type: 'object',
            additionalProperties: false,
            required: [field],
            properties: { [field]: { $ref: `#/components/schemas/${field}` } },
          })),
        },
        ...Object.fromEntries(Array.from(FORMS, ([field, { schema: request }]) => [field, schema(request)])),
        TransparencyLogEntry: schema(transparencyLogEntry, asWritten),
        Problem: schema(problemSchema),
      },
    },
  };
}

/** `GET /openapi.json`. @param version of Stele. */
export function openApiRoute(version: string): ReadRoute {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(openApiDocument(version));
  return { path: '/openapi.json', answer: () => ({ status: 200, headers, body }) };
}
