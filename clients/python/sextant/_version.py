"""The client's version, which follows the server's."""

__version__ = "0.1.0"
