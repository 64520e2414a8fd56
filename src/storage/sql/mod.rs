//! The SQL implementation of the storage contract.
