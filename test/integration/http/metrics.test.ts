/**
 * `/metrics`, as Prometheus reads it.
 */
import { describe, expect, it } from 'vitest';
import { startDaemon, withFolder } from '../../support/daemon.js';
import { ENTRIES, expectProblem, goodEnvelope, goodRequest, log, send, submit } from '../../support/http.js';

/** The value of each series, by its name with its labels in order. */
function seriesIn(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, name = '', labels = '', value = ''] = /^([a-z0-9_]+)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? [];
      return [
        labels === '' ? name : `${name}{${labels.split(',').sort().join(',')}}`,
        Number(value),
      ] as const;
    }),
  );
}

async function read(url: string) {
  const answer = await send(url, 'GET', '/metrics');
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  return seriesIn(answer.body.toString());
}

describe('/metrics', () => {
  it('counts what was asked and what was logged', () =>
    withFolder(async (folder) => {
      const daemon = await startDaemon(folder);
      try {
        const first = goodRequest();
        await log(daemon.url, first);
        await log(daemon.url, goodEnvelope());
        await log(daemon.url, first);
        await submit(daemon.url, {});
        await submit(daemon.url, { nothing: 1 });
        await send(daemon.url, 'POST', ENTRIES, 'x', { 'content-type': 'text/plain' });
        await send(daemon.url, 'GET', '/checkpoint');
        await send(daemon.url, 'HEAD', '/checkpoint');
        await send(daemon.url, 'GET', '/tile/0/999');
        const series = await read(daemon.url);
        expect(Object.fromEntries(series)).toMatchObject({
          stele_new_entries_total: 2,
          stele_tree_size: 2,
          stele_pending_entries: 0,
          stele_inclusion_proof_failure_total: 0,
          stele_batch_entries_count: 2,
          stele_batch_entries_sum: 2,
          'stele_build_info{version="0.1.0"}': 1,
          'stele_http_requests_total{code="201",method="POST"}': 3,
          'stele_http_requests_total{code="400",method="POST"}': 2,
          'stele_http_requests_total{code="415",method="POST"}': 1,
          'stele_http_requests_total{code="200",method="GET"}': 1,
          'stele_http_requests_total{code="200",method="HEAD"}': 1,
          'stele_http_requests_total{code="404",method="GET"}': 1,
          'stele_http_api_latency_count{code="201",method="POST"}': 3,
          'stele_http_api_latency_bucket{code="201",le="+Inf",method="POST"}': 3,
          stele_http_api_request_size_count: 5,
        });
        expect(series.get('stele_http_api_latency_sum{code="201",method="POST"}')).toBeGreaterThan(0);
        expect(series.get('stele_http_api_request_size_sum')).toBeGreaterThan(500);
        expect(series.get('process_cpu_seconds_total')).toBeGreaterThan(0);
        // Reading them counts, afterwards.
        expect((await read(daemon.url)).get('stele_http_requests_total{code="200",method="GET"}')).toBe(2);
      } finally {
        await daemon.stop();
      }
      const again = await startDaemon(folder);
      try {
        const series = await read(again.url);
        expect(series.get('stele_tree_size')).toBe(2);
        expect(series.get('stele_new_entries_total')).toBe(0);
      } finally {
        await again.stop();
      }
    }));

  it('is on a listener of its own with --metrics-listen, and there alone', () =>
    withFolder(async (folder) => {
      const daemon = await startDaemon(folder, ['--metrics-listen', '127.0.0.1:0']);
      try {
        await log(daemon.url);
        expectProblem(await send(daemon.url, 'GET', '/metrics'), 404);
        // Both listeners say in the log where they are.
        const urls = [...daemon.log().matchAll(/Server listening at (http:[^"]+)/g)].map(
          ([, url = '']) => url,
        );
        expect(urls).toHaveLength(2);
        const [apart = ''] = urls.filter((url) => url !== daemon.url);
        expect((await read(apart)).get('stele_new_entries_total')).toBe(1);
        expectProblem(await send(apart, 'GET', '/checkpoint'), 404);
        expectProblem(await send(apart, 'GET', '/healthz'), 404);
        expectProblem(await submit(apart, goodRequest()), 404);
      } finally {
        expect(await daemon.stop()).toBe(0);
      }
    }));
});
