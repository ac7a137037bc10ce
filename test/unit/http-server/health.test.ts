/**
 * What `/healthz` answers, and how often it looks.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Answer } from '#src/http/answer.js';
import type { Fault } from '#writer/fault.js';
import { healthRoute } from '#writer/http/health.js';

const REQUEST = { method: 'GET', target: '/healthz', headers: {} };

function bodyOf(answer: Answer): unknown {
  if (!('body' in answer) || typeof answer.body !== 'string') throw new TypeError('health is told as JSON');
  return JSON.parse(answer.body);
}

describe('health', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is the fault that there is, looked for once a second', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    let looks = 0;
    let fault: Fault | undefined = undefined;
    const { answer } = healthRoute(() => {
      looks++;
      return Promise.resolve(fault);
    });
    const serving = await answer(REQUEST);
    expect([serving.status, bodyOf(serving)]).toEqual([200, { status: 'SERVING' }]);
    fault = { code: 'clock', reason: 'it is late' };
    vi.advanceTimersByTime(1_000);
    expect((await answer(REQUEST)).status).toBe(200);
    expect(looks).toBe(1);
    vi.advanceTimersByTime(1);
    const failing = await answer(REQUEST);
    expect([failing.status, bodyOf(failing), looks]).toEqual([
      503,
      { status: 'NOT_SERVING', code: 'clock', reason: 'it is late' },
      2,
    ]);
  });
});
