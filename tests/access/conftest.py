"""The worlds of these tests stand from test to test."""

from tests.standing import standing

__all__ = ["standing"]
