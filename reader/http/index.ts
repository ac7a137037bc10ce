/**
 * The reads of a log over HTTP, as functions from request to answer: they know no server, and run in a browser.
 * @module
 */
export { RedirectedFiles, type FileRequest, type FileSource } from './file-request.js';
export { fileRoute } from './file-route.js';
export { StoredFiles, type StoredFilesOptions } from './stored-files.js';
