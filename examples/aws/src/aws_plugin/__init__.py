"""A Reglet plugin that inspects AWS accounts: EC2 and IAM."""
