"""CloudFormation: stacks from templates, made by calls of the same API that everybody else calls."""
