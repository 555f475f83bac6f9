output "role_arn" {
  description = "The reader's role"
  value       = aws_iam_role.reader.arn
}

output "queue_url" {
  description = "For `sqs` in the definitions, or `rolecall ingest --sqs`"
  value       = aws_sqs_queue.objects.url
}
