# What rolecall needs in AWS, and no more: a role that reads a trail's bucket and keeps a lake in another one, and a queue
# that is told of new log files.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  trail_arn = "arn:${data.aws_partition.current.partition}:s3:::${var.trail_bucket}"
  lake_arn  = "arn:${data.aws_partition.current.partition}:s3:::${var.lake_bucket}"
}

resource "aws_iam_role" "reader" {
  name                 = var.name
  description          = "Reads CloudTrail log files and keeps rolecall's lake"
  max_session_duration = 3600
  assume_role_policy   = var.trust_policy
}

data "aws_iam_policy_document" "reader" {
  statement {
    sid       = "ListTrail"
    actions   = ["s3:ListBucket"]
    resources = [local.trail_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.trail_prefix}*"]
    }
  }

  statement {
    sid       = "ReadLogFiles"
    actions   = ["s3:GetObject"]
    resources = ["${local.trail_arn}/${var.trail_prefix}*"]
  }

  # Without a condition on the prefix: whoever may not list is told of a missing object that it is forbidden.
  statement {
    sid       = "ListLake"
    actions   = ["s3:ListBucket"]
    resources = [local.lake_arn]
  }

  statement {
    sid       = "KeepLakeAndReports"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = concat(["${local.lake_arn}/${var.lake_prefix}*"], [for prefix in var.report_prefixes : "${local.lake_arn}/${prefix}*"])
  }

  statement {
    sid       = "TakeNotifications"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
    resources = [aws_sqs_queue.objects.arn]
  }

  dynamic "statement" {
    for_each = var.kms_key_arns

    content {
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.notification_topic_arns

    content {
      actions   = ["sns:Publish"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "reader" {
  name   = var.name
  role   = aws_iam_role.reader.id
  policy = data.aws_iam_policy_document.reader.json
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-dead"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "objects" {
  name                       = var.name
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = 900
  sqs_managed_sse_enabled    = true

  # A message that tells of no object, or of one that cannot be read, goes aside after a while.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 10
  })
}

data "aws_iam_policy_document" "queue" {
  statement {
    sid       = "OnlyTheTrailsBucket"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.objects.arn]

    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.trail_bucket_account == null ? data.aws_caller_identity.current.account_id : var.trail_bucket_account]
    }
  }
}

resource "aws_sqs_queue_policy" "objects" {
  queue_url = aws_sqs_queue.objects.id
  policy    = data.aws_iam_policy_document.queue.json
}

# Of a bucket that others manage, add the notification there.
resource "aws_s3_bucket_notification" "trail" {
  count  = var.manage_bucket_notification ? 1 : 0
  bucket = var.trail_bucket

  queue {
    queue_arn     = aws_sqs_queue.objects.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = var.trail_prefix
    filter_suffix = ".json.gz"
  }

  depends_on = [aws_sqs_queue_policy.objects]
}
