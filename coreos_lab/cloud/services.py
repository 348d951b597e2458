"""The parts of AWS's API that this cloud supports. Anything else is refused by name instead of silently ignored."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping

from coreos_lab.cloud.s3.operations import COPYING, OPERATIONS
from coreos_lab.cloud.sigv4 import RefusedError

EC2 = """
    RunInstances DescribeInstances DescribeInstanceStatus
    StartInstances StopInstances RebootInstances TerminateInstances
    GetConsoleOutput DescribeInstanceAttribute ModifyInstanceAttribute DescribeInstanceTypes
    DescribeInstanceTypeOfferings
    DescribeImages DescribeRegions DescribeAvailabilityZones DescribeAccountAttributes
    CreateTags DeleteTags DescribeTags
    CreateKeyPair ImportKeyPair DeleteKeyPair DescribeKeyPairs
    CreateVpc DeleteVpc DescribeVpcs DescribeVpcAttribute ModifyVpcAttribute
    CreateSubnet DeleteSubnet DescribeSubnets ModifySubnetAttribute
    CreateInternetGateway DeleteInternetGateway DescribeInternetGateways AttachInternetGateway DetachInternetGateway
    CreateRouteTable DeleteRouteTable DescribeRouteTables AssociateRouteTable DisassociateRouteTable
    ReplaceRouteTableAssociation CreateRoute ReplaceRoute DeleteRoute
    CreateSecurityGroup DeleteSecurityGroup DescribeSecurityGroups DescribeSecurityGroupRules
    AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupEgress
    UpdateSecurityGroupRuleDescriptionsIngress UpdateSecurityGroupRuleDescriptionsEgress
    CreateNetworkAcl DeleteNetworkAcl DescribeNetworkAcls ReplaceNetworkAclAssociation
    CreateNetworkAclEntry ReplaceNetworkAclEntry DeleteNetworkAclEntry
    CreateVolume DeleteVolume DescribeVolumes AttachVolume DetachVolume
    AllocateAddress AssociateAddress DisassociateAddress ReleaseAddress DescribeAddresses
    DescribeNetworkInterfaces ModifyNetworkInterfaceAttribute
    CreateLaunchTemplate CreateLaunchTemplateVersion ModifyLaunchTemplate DeleteLaunchTemplate
    DescribeLaunchTemplates DescribeLaunchTemplateVersions
    AssociateIamInstanceProfile DisassociateIamInstanceProfile DescribeIamInstanceProfileAssociations
"""
CLOUDFORMATION = """
    SetStackPolicy GetStackPolicy SignalResource
    CreateStack UpdateStack CancelUpdateStack ContinueUpdateRollback DeleteStack UpdateTerminationProtection
    DescribeStacks ListStacks DescribeStackEvents DescribeStackResource DescribeStackResources ListStackResources
    CreateChangeSet DescribeChangeSet ListChangeSets ExecuteChangeSet DeleteChangeSet
    DetectStackDrift DetectStackResourceDrift DescribeStackDriftDetectionStatus DescribeStackResourceDrifts
    GetTemplate GetTemplateSummary ValidateTemplate ListExports ListImports
"""
AUTOSCALING = """
    CreateLaunchConfiguration DescribeLaunchConfigurations DeleteLaunchConfiguration
    CreateAutoScalingGroup DescribeAutoScalingGroups UpdateAutoScalingGroup DeleteAutoScalingGroup SetDesiredCapacity
    DescribeAutoScalingInstances DescribeScalingActivities TerminateInstanceInAutoScalingGroup SetInstanceHealth
    AttachLoadBalancerTargetGroups DetachLoadBalancerTargetGroups DescribeLoadBalancerTargetGroups
    AttachLoadBalancers DetachLoadBalancers DescribeLoadBalancers
    CreateOrUpdateTags DeleteTags
    PutScalingPolicy DescribePolicies ExecutePolicy DeletePolicy
    StartInstanceRefresh DescribeInstanceRefreshes CancelInstanceRefresh
"""
IAM = """
    CreateRole GetRole ListRoles UpdateRole UpdateAssumeRolePolicy DeleteRole
    PutRolePolicy GetRolePolicy DeleteRolePolicy ListRolePolicies
    AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies
    CreateInstanceProfile GetInstanceProfile ListInstanceProfiles ListInstanceProfilesForRole DeleteInstanceProfile
    AddRoleToInstanceProfile RemoveRoleFromInstanceProfile
"""
ACTIONS: dict[str, frozenset[str] | None] = {  # None: the service itself says what it has (their own actions.py)
    "autoscaling": frozenset(AUTOSCALING.split()),
    "cloudformation": frozenset(CLOUDFORMATION.split()),
    "ec2": frozenset(EC2.split()),
    "elasticloadbalancing": None,
    "iam": frozenset(IAM.split()),
    **dict.fromkeys(("apigateway", "lambda", "logs", "monitoring")),
    "s3": frozenset(each.name for each in (*OPERATIONS.values(), *COPYING.values())),
    "sts": frozenset(["GetCallerIdentity"]),
}
OF_MOTO = ("ec2", "iam")
READING_THEMSELVES = ("apigateway", "lambda", "logs", "monitoring")  # services whose protocol is neither query nor S3's
READING = ("Describe", "Get", "List")  # how the names of actions begin that change nothing
GLOBAL_REGION = "us-east-1"  # where clients sign requests to services without a region

GROUP = (
    r"(AutoScalingGroupName|LaunchConfigurationName|MinSize|MaxSize|DesiredCapacity|VPCZoneIdentifier)",
    r"(HealthCheckType|HealthCheckGracePeriod|DefaultCooldown)",
    r"LaunchTemplate\.(LaunchTemplateId|LaunchTemplateName|Version)",
)
LAUNCH_TEMPLATE = (
    r"(LaunchTemplateName|LaunchTemplateId|VersionDescription|ClientToken|DryRun)",
    r"LaunchTemplateData\.(ImageId|InstanceType|KeyName|UserData|DisableApiTermination)",
    r"LaunchTemplateData\.(InstanceInitiatedShutdownBehavior|SecurityGroupId\.\d+)",
    r"LaunchTemplateData\.(IamInstanceProfile\.(Name|Arn)|MetadataOptions\.(HttpTokens|HttpEndpoint))",
    r"LaunchTemplateData\.BlockDeviceMapping\.\d+\.(DeviceName|Ebs\.(VolumeSize|VolumeType|DeleteOnTermination))",
    r"LaunchTemplateData\.NetworkInterface\.1\.(DeviceIndex|AssociatePublicIpAddress|DeleteOnTermination)",
    r"LaunchTemplateData\.NetworkInterface\.1\.SecurityGroupId\.\d+",
    r"LaunchTemplateData\.TagSpecification\.\d+\.(ResourceType|Tag\.\d+\.(Key|Value))",
)
STACK = (
    r"(StackName|TemplateBody|TemplateURL|ClientRequestToken|Capabilities\.member\.\d+)",
    r"Parameters\.member\.\d+\.(ParameterKey|ParameterValue|UsePreviousValue)",
    r"Tags\.member\.\d+\.(Key|Value)",
)
# The parameters that an action carries out, as patterns. An action that is not listed carries out all of moto's.
PARAMETERS = {
    "RunInstances": (
        r"(ImageId|MinCount|MaxCount|InstanceType|KeyName|SubnetId|UserData|PrivateIpAddress|ClientToken)",
        r"(SecurityGroup|SecurityGroupId)\.\d+",
        r"(DisableApiTermination|InstanceInitiatedShutdownBehavior|DryRun|Placement\.AvailabilityZone)",
        r"NetworkInterface\.1\.(DeviceIndex|SubnetId|AssociatePublicIpAddress|DeleteOnTermination|Description)",
        r"NetworkInterface\.1\.(PrivateIpAddress|SecurityGroupId\.\d+)",
        r"TagSpecification\.\d+\..+",
        r"IamInstanceProfile\.(Name|Arn)",
        r"MetadataOptions\.(HttpTokens|HttpEndpoint)",
        r"BlockDeviceMapping\.\d+\.(DeviceName|Ebs\.(VolumeSize|VolumeType|DeleteOnTermination))",
    ),
    "ModifyInstanceAttribute": (
        r"(InstanceId|SourceDestCheck\.Value|DisableApiTermination\.Value|GroupId\.\d+|DryRun)",
        r"(InstanceInitiatedShutdownBehavior|InstanceType|UserData)\.Value",
    ),
    "CreateVolume": (r"(AvailabilityZone|Size|VolumeType|ClientToken|DryRun)", r"TagSpecification\.\d+\..+"),
    "AttachVolume": (r"(VolumeId|InstanceId|Device|DryRun)",),
    "DetachVolume": (r"(VolumeId|InstanceId|Device|DryRun)",),
    "CreateRoute": (r"(RouteTableId|DestinationCidrBlock|GatewayId|InstanceId|NetworkInterfaceId|DryRun)",),
    "ReplaceRoute": (r"(RouteTableId|DestinationCidrBlock|GatewayId|InstanceId|NetworkInterfaceId|DryRun)",),
    **dict.fromkeys(
        [
            *(f"{verb}SecurityGroup{way}" for verb in ("Authorize", "Revoke") for way in ("Ingress", "Egress")),
            *(f"UpdateSecurityGroupRuleDescriptions{way}" for way in ("Ingress", "Egress")),
        ],
        (
            r"(GroupId|GroupName|DryRun|SourceSecurityGroupName|IpProtocol|FromPort|ToPort|CidrIp)",
            r"IpPermissions\.\d+\.(IpProtocol|FromPort|ToPort|IpRanges\.\d+\..+|(User|Groups)[A-Za-z]*\.\d+\..+)",
            r"(TagSpecification\.\d+\..+|SecurityGroupRuleId\.\d+)",
        ),
    ),
    "CreateStack": (*STACK, r"(DisableRollback|OnFailure|EnableTerminationProtection|StackPolicyBody)"),
    "UpdateStack": (*STACK, r"(UsePreviousTemplate|DisableRollback|StackPolicyBody|StackPolicyDuringUpdateBody)"),
    "CreateChangeSet": (*STACK, r"(ChangeSetName|ChangeSetType|Description|ClientToken|UsePreviousTemplate)"),
    "ExecuteChangeSet": (r"(ChangeSetName|StackName|ClientRequestToken|DisableRollback)",),
    "DescribeChangeSet": (r"(ChangeSetName|StackName|NextToken|IncludePropertyValues)",),
    "GetTemplate": (r"(StackName|TemplateStage)",),
    "DetectStackDrift": (r"StackName", r"LogicalResourceIds\.member\.\d+"),
    "CancelUpdateStack": (r"(StackName|ClientRequestToken)",),
    "ContinueUpdateRollback": (r"(StackName|ClientRequestToken)", r"ResourcesToSkip\.member\.\d+"),
    "DeleteStack": (r"(StackName|ClientRequestToken)", r"RetainResources\.member\.\d+"),
    "CreateLaunchConfiguration": (
        r"(LaunchConfigurationName|ImageId|InstanceType|KeyName|UserData|AssociatePublicIpAddress|IamInstanceProfile)",
        r"SecurityGroups\.member\.\d+",
        r"BlockDeviceMappings\.member\.\d+\.(DeviceName|Ebs\.(VolumeSize|VolumeType|DeleteOnTermination))",
    ),
    **dict.fromkeys(
        ("CreateNetworkAclEntry", "ReplaceNetworkAclEntry"),
        (
            r"(NetworkAclId|RuleNumber|Protocol|RuleAction|Egress|CidrBlock|DryRun)",
            r"(Icmp\.(Code|Type)|PortRange\.(From|To))",
        ),
    ),
    "CreateLaunchTemplate": (*LAUNCH_TEMPLATE, r"TagSpecification\.\d+\..+"),
    "CreateLaunchTemplateVersion": LAUNCH_TEMPLATE,
    "CreateAutoScalingGroup": (*GROUP, r"Tags\.member\.\d+\.\w+", r"(TargetGroupARNs|LoadBalancerNames)\.member\.\d+"),
    "UpdateAutoScalingGroup": GROUP,
    "PutScalingPolicy": (
        r"(AutoScalingGroupName|PolicyName|PolicyType|AdjustmentType|ScalingAdjustment|MinAdjustmentMagnitude|Cooldown)",
    ),
    "StartInstanceRefresh": (
        r"(AutoScalingGroupName|Strategy|Preferences\.(MinHealthyPercentage|InstanceWarmup|SkipMatching))",
    ),
    "CancelInstanceRefresh": (r"AutoScalingGroupName",),
    "ExecutePolicy": (r"(AutoScalingGroupName|PolicyName|HonorCooldown)",),
    "CreateRole": (r"(RoleName|Path|AssumeRolePolicyDocument|Description)", r"Tags\.member\.\d+\.(Key|Value)"),
    "UpdateRole": (r"(RoleName|Description)",),
    "CreateInstanceProfile": (r"(InstanceProfileName|Path)", r"Tags\.member\.\d+\.(Key|Value)"),
    "CreateVpc": (r"(CidrBlock|InstanceTenancy|DryRun|TagSpecification\.\d+\..+)",),
    "CreateSubnet": (r"(VpcId|CidrBlock|AvailabilityZone|DryRun|TagSpecification\.\d+\..+)",),
}
# Values of parameters that are not carried out.
REFUSED = {
    "UpdateStack": ((r"DisableRollback", "true"),),
    "DescribeChangeSet": ((r"IncludePropertyValues", "true"),),
    "GetTemplate": ((r"TemplateStage", "Processed"),),
    **dict.fromkeys(
        ("CreateLaunchTemplate", "CreateLaunchTemplateVersion"),
        ((r"LaunchTemplateData\.BlockDeviceMapping\.\d+\.Ebs\.DeleteOnTermination", "false"),),
    ),
    "CreateLaunchConfiguration": ((r"BlockDeviceMappings\.member\.\d+\.Ebs\.DeleteOnTermination", "false"),),
}


def require(service: str, action: str, parameters: Mapping[str, str]) -> None:
    """RefusedError for a service, an action or a parameter that this cloud does not carry out."""
    if service not in ACTIONS:
        there = ", ".join(sorted(ACTIONS))
        raise RefusedError("UnsupportedOperation", f"{service}: not part of this cloud, which has: {there}")
    known = ACTIONS[service]
    if known is None:
        return
    require_action(service, action, known)
    if action in PARAMETERS:
        require_parameters(action, parameters, PARAMETERS[action], REFUSED.get(action, ()))


def require_action(service: str, action: str, known: Container[str]) -> None:
    """RefusedError for an action that is not among those that are known."""
    if action not in known:
        raise RefusedError("UnsupportedOperation", f"{service} {action}: not part of this cloud (see docs/cloud.md)")


def require_parameters(
    action: str, parameters: Mapping[str, str], patterns: Iterable[str], refused: Iterable[tuple[str, str]]
) -> None:
    """RefusedError for a parameter that no pattern has, and for a value that is refused.

    An empty value is an empty list in AWS's query protocol.
    """
    known = ("Action", "Version", *patterns)
    for name in filter(parameters.get, parameters):
        if not any(re.fullmatch(pattern, name) for pattern in known):
            raise RefusedError("UnsupportedOperation", f"{action}: {name}: not part of this cloud")
        if any(re.fullmatch(key, name) and parameters[name] == value for key, value in refused):
            raise RefusedError("UnsupportedOperation", f"{action}: {name}={parameters[name]}: not part of this cloud")


def require_region(region: str, own: str) -> None:
    """RefusedError for a request to another region than the cloud's."""
    if region not in (own, GLOBAL_REGION):
        raise RefusedError("OptInRequired", f"{region}: this cloud has one region, {own}")


def changes(action: str) -> bool:
    """Whether an action may change something."""
    return not action.startswith(READING)
