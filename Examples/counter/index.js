// A counter that other programs invoke with {"increment": 1}.
//
// The article's code keeps the count in a table, but asks the wrong service for it (`lambda.invoke` with a TableName,
// from 'aws-sdk', which Node has no more). A file stands for the table; a lock beside it lets several instances count.
//
//     penstock invoke counter --event Examples/counter/event.json
const { mkdirSync, readFileSync, renameSync, rmdirSync, statSync, writeFileSync } = require('node:fs');
const { setTimeout: pause } = require('node:timers/promises');

const table = process.env.COUNTER_TABLE ?? '/tmp/penstock-example-counter.json';

exports.handler = async (event) => {
  // An event of the gateway has the caller's JSON in its body; `penstock invoke` gives the JSON itself.
  const request = event.version === '2.0' ? JSON.parse(event.body || '{"increment": 1}') : event;
  const increment = parseInt(request.increment);
  if (Number.isNaN(increment)) throw new TypeError('increment must be a number');
  await lock();
  try {
    const counter = getCounter() + increment;
    setCounter(counter);
    return { counter };
  } finally {
    rmdirSync(`${table}.lock`);
  }
};

function getCounter() {
  try {
    return JSON.parse(readFileSync(table)).counter;
  } catch (error) {
    if (error.code === 'ENOENT') return 0;
    throw error;
  }
}

function setCounter(counter) {
  writeFileSync(`${table}.new`, JSON.stringify({ counter }));
  renameSync(`${table}.new`, table);
}

// Making a folder succeeds for one process only. One that was killed in between has left it behind.
async function lock() {
  for (;;) {
    try {
      return mkdirSync(`${table}.lock`);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const made = statSync(`${table}.lock`, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
      if (Date.now() - made > 5000) rmdirSync(`${table}.lock`);
      await pause(1);
    }
  }
}
