// Keeps the JSON that a request brings as an object named example.txt.
//
// The article's code needs a package that does not exist ('@aws-sdk/functions'), and calls of the SDK that its version
// does not have. Here a folder stands for the bucket; the shape of the handler is the article's.
//
// It is no part of the tour; as `functions: { store: { handler: Examples/store-object/index.js:handler } }` with a route
// `{ path: /objects, methods: [POST], function: store }` in a routes.yaml, try
//
//     curl -d '{"a": 1}' http://127.0.0.1:8080/objects
const { mkdir, writeFile } = require('node:fs/promises');
const { join } = require('node:path');

const bucket = process.env.BUCKET ?? '/tmp/penstock-example-bucket';

exports.handler = async (event) => {
  const params = {
    Bucket: bucket,
    Key: 'example.txt',
  };
  const data = JSON.parse(event.body);
  await mkdir(params.Bucket, { recursive: true });
  await writeFile(join(params.Bucket, params.Key), JSON.stringify(data));
  return { statusCode: 201, body: JSON.stringify({ key: params.Key }) };
};
