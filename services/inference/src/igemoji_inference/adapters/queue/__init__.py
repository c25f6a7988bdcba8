"""Task queues: embedded and Celery."""
