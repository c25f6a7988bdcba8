"""Conversion of instants to protobuf."""

import datetime

from google.protobuf.timestamp_pb2 import Timestamp


def to_timestamp(at: datetime.datetime) -> Timestamp:
    """Return an instant as a protobuf message."""
    timestamp = Timestamp()
    timestamp.FromDatetime(at)
    return timestamp
