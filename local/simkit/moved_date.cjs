// A Node.js process of the stand tells the stand's time: the wall clock and the offset in the file STAND_CLOCK.
// Given to node with --require. Timers and process.hrtime are monotonic and stay what they are.
'use strict';

const fs = require('node:fs');

const Real = Date;
const file = fs.openSync(process.env.STAND_CLOCK, 'r');
const offset = Buffer.alloc(8);

function now() {
  fs.readSync(file, offset, 0, 8, 0);
  return Real.now() + Math.round(Number(offset.readBigInt64LE(0)) / 1e6);
}

globalThis.Date = new Proxy(Real, {
  construct: (target, given, called) => Reflect.construct(target, given.length ? given : [now()], called),
  apply: () => new Real(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
Real.prototype.constructor = globalThis.Date;
