"""Copies an object that has arrived in one bucket into another.

The article's code calls `s3.copy(bucket, key, destination, key)`, which boto3 refuses: the source is one dictionary. It
needs S3, or something that speaks like it, at AWS_ENDPOINT_URL_S3 in the function's `environment:`.

    penstock invoke s3-copy --event Examples/s3-copy/event.json
"""
import boto3
import json

s3 = boto3.client('s3')


def lambda_handler(event, context):
    bucket = event['Records'][0]['s3']['bucket']['name']
    key = event['Records'][0]['s3']['object']['key']
    s3.copy_object(CopySource={'Bucket': bucket, 'Key': key}, Bucket='destination-bucket', Key='destination-key')
    return {
        'statusCode': 200,
        'body': json.dumps('File uploaded successfully.')
    }
