"""From a decided step to the texts and addresses of one message."""
