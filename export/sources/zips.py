"""What reading a zip file raises that is damaged, or none."""

import struct
import zipfile
import zlib

DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    # NotImplementedError, of packings that Python has not, is a RuntimeError.
    *(RuntimeError, ValueError, LookupError, OverflowError, EOFError, OSError),
)
