// ioredis against every node, plain and cluster mode: node ioredis_test.js PORT...
'use strict';
const Redis = require('ioredis');
const {exercise} = require('./common.js');

async function main() {
  const ports = process.argv.slice(2).map(Number);
  for (const port of ports) {
    const plain = new Redis({port, host: '127.0.0.1'});
    await exercise((...args) => plain.call(...args), `io${port}`);
    await plain.quit();
  }
  const cluster = new Redis.Cluster(ports.map((port) => ({host: '127.0.0.1', port})));
  await exercise((name, ...args) => cluster[name.toLowerCase()](...args), 'iocluster');
  await cluster.quit();
  console.log('ioredis: ok');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
