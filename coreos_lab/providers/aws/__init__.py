"""The provider of EC2's machines: a CloudFormation stack, asked for by AWS's API alone (boto3)."""
