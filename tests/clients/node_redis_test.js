// node-redis against every node, plain and cluster mode: node node_redis_test.js PORT...
'use strict';
const {createClient, createCluster} = require('redis');
const {exercise} = require('./common.js');

async function main() {
  const ports = process.argv.slice(2).map(Number);
  for (const port of ports) {
    const plain = createClient({socket: {host: '127.0.0.1', port}});
    await plain.connect();
    await exercise((...args) => plain.sendCommand(args), `nr${port}`);
    await plain.quit();
  }
  const cluster = createCluster({
    rootNodes: ports.map((port) => ({url: `redis://127.0.0.1:${port}`})),
  });
  await cluster.connect();
  // The first key decides the node; every key of the exercise shares a hash tag.
  await exercise((...args) => cluster.sendCommand(args[1], false, args), 'nrcluster');
  await cluster.quit();
  console.log('node-redis: ok');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
