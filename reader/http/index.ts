/**
 * The reads of a log over HTTP, as functions from request to answer: they know no server, and run in a browser.
 * @module
 */
export * from './file-answer.js';
export * from './stored-files.js';
