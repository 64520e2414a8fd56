//! What callers send and do not read is bounded, in bytes and in time.
