"""Copies an object that has arrived in one bucket into another.

The article's code calls `s3.copy(bucket, key, destination, key)`, which boto3 refuses: the source is one dictionary. It
needs S3, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the function's `environment:`, or something that speaks
like S3 at S3_ENDPOINT.

It is no part of the tour; with `functions: { s3-copy: { handler: Examples/s3-copy/lambda_function.py:lambda_handler } }`
in a routes.yaml, try

    penstock invoke s3-copy --event Examples/s3-copy/event.json
"""
import boto3
import json
import os

s3 = boto3.client('s3', endpoint_url=os.environ.get('S3_ENDPOINT'))


def lambda_handler(event, context):
    bucket = event['Records'][0]['s3']['bucket']['name']
    key = event['Records'][0]['s3']['object']['key']
    s3.copy_object(CopySource={'Bucket': bucket, 'Key': key}, Bucket='destination-bucket', Key='destination-key')
    return {
        'statusCode': 200,
        'body': json.dumps('File uploaded successfully.')
    }
