// What both JavaScript clients are put through: `run({set, get, ...}, assert)`.
'use strict';
const assert = require('node:assert');

// `call(...arguments)` sends one command and resolves to its reply.
async function exercise(call, prefix) {
  const key = (name) => `${prefix}:{t}:${name}`;
  assert.strictEqual(await call('SET', key('k'), 'v'), 'OK');
  assert.strictEqual(await call('GET', key('k')), 'v');
  assert.strictEqual(await call('GET', key('nothing')), null);
  assert.strictEqual(Number(await call('INCR', key('n'))), 1);
  assert.strictEqual(Number(await call('INCRBY', key('n'), '41')), 42);
  assert.strictEqual(await call('MSET', key('a'), '1', key('b'), '2'), 'OK');
  assert.deepStrictEqual(await call('MGET', key('a'), key('nothing'), key('b')), ['1', null, '2']);
  assert.strictEqual(Number(await call('APPEND', key('s'), 'hello')), 5);
  assert.strictEqual(Number(await call('DEL', key('a'), key('b'))), 2);
  await call('SET', key('e'), 'x', 'PX', '100000');
  const left = Number(await call('PTTL', key('e')));
  assert.ok(left > 0 && left <= 100000, `PTTL ${left}`);
  await assert.rejects(call('INCR', key('k')), /not an integer or out of range/);
  const replies = await Promise.all(
      Array.from({length: 500}, (_, i) => call('SET', key(`many:${i}`), `${i}`)));
  assert.ok(replies.every((reply) => reply === 'OK'));
  const values = await Promise.all(
      Array.from({length: 500}, (_, i) => call('GET', key(`many:${i}`))));
  values.forEach((value, i) => assert.strictEqual(value, `${i}`));
}

module.exports = {exercise};
