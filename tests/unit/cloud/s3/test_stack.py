"""Buckets and their policies in a stack."""

from __future__ import annotations

import json

import pytest

from tests.unit.cloud.conftest import Served
from tests.unit.cloud.s3.test_objects import HERE
from tests.unit.cloud.test_formation import reasons, settled

ClientError = pytest.importorskip("botocore.exceptions").ClientError
TEMPLATE = """
Resources:
  S3Backup:
    Type: AWS::S3::Bucket
    Properties:
      LifecycleConfiguration: {Rules: [{Id: backup, Status: Enabled, ExpirationInDays: 10}]}
  CoreOSRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}]
  BackupPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref S3Backup
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          - Sid: backup
            Effect: Allow
            Principal: {AWS: !GetAtt CoreOSRole.Arn}
            Action: "s3:*"
            Resource: [!GetAtt S3Backup.Arn, !Sub "arn:aws:s3:::${S3Backup}/*"]
Outputs:
  Backup: {Value: !Ref S3Backup}
"""
OWN = """
Resources:
  Mine: {Type: AWS::S3::Bucket, Properties: {BucketName: %s}}
  More: {Type: AWS::S3::Bucket, DependsOn: Mine, Properties: {LifecycleConfiguration: {Rules: [%s]}}}
"""
CAPABLE = ["CAPABILITY_IAM"]


def test_a_stack_s_bucket_has_its_rule_and_policy_and_stays_until_it_is_empty(served: Served) -> None:
    cfn, s3 = served.client("cloudformation"), served.client("s3")
    cfn.create_stack(StackName="Mine", TemplateBody=TEMPLATE, Capabilities=CAPABLE)
    stack = settled(cfn, "Mine")
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(cfn, "Mine")
    bucket = stack["Outputs"][0]["OutputValue"]
    assert bucket.startswith("mine-s3backup-")
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert (rule["ID"], rule["Status"], rule["Expiration"]) == ("backup", "Enabled", {"Days": 10})
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert statement["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    tags = {each["Key"]: each["Value"] for each in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    assert tags["aws:cloudformation:logical-id"] == "S3Backup"
    s3.put_object(Bucket=bucket, Key="k")
    cfn.delete_stack(StackName="Mine")
    assert settled(cfn, "Mine")["StackStatus"] == "DELETE_FAILED"
    assert any("BucketNotEmpty" in reason for reason in reasons(cfn, "Mine"))
    s3.delete_object(Bucket=bucket, Key="k")
    cfn.delete_stack(StackName="Mine")
    with pytest.raises(ClientError, match="does not exist"):
        settled(cfn, "Mine")
    assert s3.list_buckets()["Buckets"] == []


def test_a_long_stack_s_name_leaves_room_for_what_tells_its_buckets_apart(served: Served) -> None:
    cfn, name = served.client("cloudformation"), "a" * 100
    cfn.create_stack(
        StackName=name, TemplateBody="Resources: {One: {Type: AWS::S3::Bucket}, Two: {Type: AWS::S3::Bucket}}"
    )
    assert settled(cfn, name)["StackStatus"] == "CREATE_COMPLETE", reasons(cfn, name)
    names = [each["Name"] for each in served.client("s3").list_buckets()["Buckets"]]
    assert [len(each) for each in names] == [63, 63]
    cfn.delete_stack(StackName=name)
    with pytest.raises(ClientError, match="does not exist"):
        settled(cfn, name)


def test_a_bucket_that_was_there_before_is_not_the_stack_s_to_delete(served: Served) -> None:
    cfn, s3 = served.client("cloudformation"), served.client("s3")
    s3.create_bucket(Bucket="before", CreateBucketConfiguration=HERE)
    cfn.create_stack(StackName="again", TemplateBody=OWN % ("before", "{Status: Enabled, ExpirationInDays: 1}"))
    assert settled(cfn, "again")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == ["before"]
    cfn.delete_stack(StackName="again")
    s3.delete_bucket(Bucket="before")


def test_a_rule_with_a_part_that_is_not_there_is_named(served: Served) -> None:
    cfn = served.client("cloudformation")
    rule = "{Status: Enabled, ExpirationInDays: 1, ExpiredObjectDeleteMarker: true}"
    cfn.create_stack(StackName="wrong", TemplateBody=OWN % ("mine-own", rule))
    assert settled(cfn, "wrong")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("ExpiredObjectDeleteMarker" in reason for reason in reasons(cfn, "wrong"))
    assert served.client("s3").list_buckets()["Buckets"] == []
    cfn.delete_stack(StackName="wrong")
