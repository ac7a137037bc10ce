/**
 * The route by which a server has the log's files.
 * @module
 */
import type { HttpRequest, ReadRoute } from '../../src/http/answer.js';
import type { FileRequest, FileSource } from './file-request.js';

/** @param prefix where the log's names begin; ends in a slash. @example fileRoute('/api/v2/', files) */
export function fileRoute(prefix: string, files: FileSource): ReadRoute {
  return { path: `${prefix}*`, answer: (request) => files.answer(fileRequest(request, prefix)) };
}

function fileRequest({ method, target, headers }: HttpRequest, prefix: string): FileRequest {
  return {
    method: method === 'HEAD' ? 'HEAD' : 'GET',
    path: target.split('?')[0]?.slice(prefix.length) ?? '',
    range: headers['range']?.toString(),
    ifRange: headers['if-range']?.toString(),
    ifNoneMatch: headers['if-none-match']?.toString(),
  };
}
