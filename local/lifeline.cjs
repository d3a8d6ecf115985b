// A Node.js process of the stand ends with the one that started it: see lifeline.py. Given to node with --require.
'use strict';

const net = require('node:net');

if (process.env.STAND_LIFELINE) {
  delete process.env.STAND_LIFELINE;
  const line = new net.Socket({ fd: 0, readable: true, writable: false });
  line.on('end', () => process.kill(process.pid, 'SIGKILL'));
  line.on('error', () => process.kill(process.pid, 'SIGKILL'));
  line.resume();
  line.unref();
}
